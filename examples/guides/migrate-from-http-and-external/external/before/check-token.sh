#!/usr/bin/env bash
set -euo pipefail

# Reads the query as JSON from standard input, and writes the result to standard output.
eval "$(jq -r '@sh "URL=\(.url) TOKEN=\(.token)"')"

answer=$(curl -sSL -H "Authorization: Bearer $TOKEN" "$URL")

valid=false
if [[ $(jq -r '.result.status' <<<"$answer" 2>/dev/null) == active ]]; then
  valid=true
fi

jq -n --arg valid "$valid" '{valid: $valid}'
