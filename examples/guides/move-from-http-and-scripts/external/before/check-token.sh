#!/usr/bin/env bash
set -euo pipefail

# The query comes as JSON on standard input, and the result goes to standard output.
eval "$(jq -r '@sh "URL=\(.url) TOKEN=\(.token)"')"

answer=$(curl -sSL -H "Authorization: Bearer $TOKEN" "$URL")

valid=false
if [[ $(jq -r '.result.status' <<<"$answer" 2>/dev/null) == active ]]; then
  valid=true
fi

jq -n --arg valid "$valid" '{valid: $valid}'
