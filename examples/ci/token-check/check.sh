#!/bin/sh
# Plans the configuration in the current directory to verify its tokens, and writes
#
#   replace.md      why each of these tokens is not valid or expires soon
#   unverified.md   which tokens could not be verified; they may be valid
#
# if there are such tokens. The exit code is 0 if every token is valid, 1 if there is
# replace.md, 2 if there is only unverified.md, and 3 if the plan failed for another
# reason.
set -eu

rm -f tokens.tfplan replace.md unverified.md

if terraform plan -input=false -no-color -out=tokens.tfplan; then
  exit 0
fi

# Terraform also writes a plan if a condition or a check failed.
[ -f tokens.tfplan ] || exit 3
plan=$(terraform show -json tokens.tfplan) || exit 3

# results FILTER applies FILTER to each token check and prints a list.
results() {
  printf '%s\n' "$plan" | jq -r ".checks[]? | select(.address.type // \"\" | startswith(\"tokencheck_\")) | (.instances // [.])[] | $1 | \"- \" + ."
}

# A failed condition has a problem, whatever happened to another condition of the check.
if ! results 'select(.status == "fail" or .problems) | (.problems // [{message: "\(.address.to_display): see the log."}])[].message' > replace.md ||
  ! results 'select(.status != "fail" and .status != "pass" and (.problems | not)) | .address.to_display' > unverified.md; then
  rm -f replace.md unverified.md
  exit 3
fi

for file in replace.md unverified.md; do
  [ -s "$file" ] || rm "$file"
done

if [ -f unverified.md ]; then
  printf '\nThese tokens could not be verified, or a condition could not be evaluated. They may be valid: see the log before you replace them.\n' >> unverified.md
fi

if [ -f replace.md ]; then exit 1; fi
if [ -f unverified.md ]; then exit 2; fi
exit 3
