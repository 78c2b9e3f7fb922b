#!/bin/sh
# Verifies the tokens of the configuration in the current directory by a plan,
# and writes for people
#
#   replace.md      why each token that expires soon or is not valid has to be replaced
#   unverified.md   which checks got no answer, which says nothing about their tokens
#
# each only if it has something to say. The exit status is 0 if every token is
# valid, 1 if one is to be replaced, 2 if there is only unverified.md, and 3 if
# the plan failed for another reason.
set -eu

rm -f tokens.tfplan replace.md unverified.md

if terraform plan -input=false -no-color -out=tokens.tfplan; then
  exit 0
fi

# A plan that failed on a condition or on a check is written all the same.
[ -f tokens.tfplan ] || exit 3
plan=$(terraform show -json tokens.tfplan)

# results FILTER prints a list of what FILTER makes of each check.
results() {
  printf '%s\n' "$plan" | jq -r ".checks[]? | (.instances // [.])[] | $1 | \"- \" + ."
}

results 'select(.status == "fail") | .problems[].message' > replace.md
results 'select(.status != "fail" and .status != "pass") | .address.to_display' > unverified.md

for file in replace.md unverified.md; do
  [ -s "$file" ] || rm "$file"
done

if [ -f unverified.md ]; then
  printf '\nThese checks got no answer. That says nothing about their tokens, so do not replace them: the log says what was wrong.\n' >> unverified.md
fi

if [ -f replace.md ]; then exit 1; fi
if [ -f unverified.md ]; then exit 2; fi
exit 3
