#!/usr/bin/env bash
# A step of the pipeline, before terraform plan.
set -euo pipefail

if ! answer=$(vcert checkcred -u "$VENAFI_URL" -t "$VENAFI_TOKEN" --trust-bundle ca.pem --format json); then
  echo "The Venafi access token has expired. Request a new one." >&2
  exit 1
fi

# Stop a week before expiration.
if jq -e '(.expires_ISO8601 | fromdateiso8601) < now + 7 * 24 * 3600' <<<"$answer" >/dev/null; then
  echo "The Venafi access token expires within a week. Request a new one." >&2
  exit 1
fi
