# Refuses a plan that has no proof that its tokens work. The input is the output
# of "terraform show -json PLANFILE"; each message is a sentence for a person.
#
# Whatever is missing, unknown or of another type than expected is refused: a
# check passes because its verdict says so, never because nothing speaks against it.
package tokencheck

# --- Settings, from data.tokencheck_settings

default settings := {}

settings := data.tokencheck_settings

defaults := {
	"min_remaining_hours": 24,
	"provider_names": [
		"registry.terraform.io/tokencheck/tokencheck",
		"registry.opentofu.org/tokencheck/tokencheck",
	],
	"required_checks": [],
}

fits("min_remaining_hours", value) if {
	is_number(value)
	value >= 0
}

fits("provider_names", value) if {
	is_list_of_strings(value)
	count(value) > 0
}

fits("required_checks", value) if is_list_of_strings(value)

is_list_of_strings(value) if {
	is_array(value)
	every element in value {
		is_string(element)
	}
}

setting(name) := settings[name] if {
	fits(name, settings[name])
} else := defaults[name]

deny contains message if {
	not is_object(settings)
	message := "tokencheck_settings is not a map of settings. Give it the keys min_remaining_hours, provider_names and required_checks, or leave it out."
}

deny contains message if {
	some name, value in settings
	not fits(name, value)
	message := sprintf("tokencheck_settings.%v is not understood. The settings are min_remaining_hours (a number, not negative), provider_names (a list of names, not empty) and required_checks (a list of addresses).", [name])
}

# --- The plan as a whole

# A state has neither planned values nor a configuration.
is_plan if {
	startswith(input.format_version, "1.")
	is_object(input.planned_values)
	is_object(input.configuration)
}

failed if object.get(input, "errored", false) != false

deny contains message if {
	not is_plan
	message := "This is not a plan in a format that the policy knows. Give it the output of \"terraform show -json PLANFILE\", format version 1."
}

# What such a plan holds of a check can be the verdict of an earlier run.
deny contains message if {
	is_plan
	failed
	message := "The plan failed and cannot be applied. See the errors that it printed, and plan again."
}

# A check that was left out by -target still shows the verdict of the last apply.
# Terraform marks such a plan, OpenTofu does not.
deny contains message if {
	is_plan
	not failed
	object.get(input, "complete", true) != true
	message := "The plan is not complete, so that checks may not have been made. Plan without -target."
}

deny contains message if {
	is_plan
	not failed
	count(checks) == 0
	message := "The plan has no token check. Add a tokencheck data source for each token that the apply needs, and plan again."
}

deny contains message if {
	is_plan
	not failed
	some address in setting("required_checks")
	not address in {check.address | some check in checks}
	message := sprintf("%s: required_checks demands this check, and the plan does not have it. Add it, and plan again.", [address])
}

# --- Each check

is_check(resource) if {
	resource.mode == "data"
	startswith(resource.type, "tokencheck_")
}

summary(resource, path) := {
	"address": resource.address,
	"type": resource.type,
	"provider_name": object.get(resource, "provider_name", "unknown"),
	"verdict": object.get(resource, path, {}),
}

is_step(step) if step in {"child_modules", "resources"}

is_step(index) if is_number(index)

# Checks that were made while the plan was made, in all modules.
checks contains check if {
	some path, resource
	walk(input.prior_state.values.root_module, [path, resource])
	is_check(resource)

	# The values of other resources can look like anything, a check included.
	every step in path {
		is_step(step)
	}

	check := summary(resource, ["values"])
}

# Checks that the apply makes: put off because something is not known yet, or in a
# check block. The latter are made at plan as well, and their verdict is here too.
checks contains check if {
	some resource in input.resource_changes
	is_check(resource)
	check := summary(resource, ["change", "after"])
}

deny contains message if {
	is_plan
	some check in checks
	not passes(check)
	message := sprintf("%s: %s", [check.address, explanation(check)])
}

has_verdict(check) if is_boolean(check.verdict.valid)

passes(check) if {
	check.provider_name in setting("provider_names")
	check.verdict.valid == true
	lasts(check)
}

# Now is when the policy runs and not when the plan was made: what matters is the
# time that is left for the apply.
#
# Times are compared as text, because Rego's own times end in the year 2262 and a
# token may not. The provider writes all of them in UTC and in this format.
deadline := time.format([now + margin, "UTC", "RFC3339"]) if {
	now := time.now_ns()
	margin := round(setting("min_remaining_hours") * 3600000000000)
}

lasts(check) if {
	regex.match(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, check.verdict.expires_on)
	check.verdict.expires_on > deadline
}

# The issuers for which null means that the token does not end. For the others it
# means that the end is not known, which will do only where no margin is asked for.
endless := {"tokencheck_cloudflare"}

lasts(check) if {
	check.verdict.expires_on == null
	check.type in endless
}

lasts(check) if {
	check.verdict.expires_on == null
	setting("min_remaining_hours") == 0
}

explanation(check) := text if {
	not check.provider_name in setting("provider_names")
	text := sprintf("its provider is %v, so that this is no check. Use %s, or add the provider to provider_names.", [check.provider_name, concat(" or ", setting("provider_names"))])
} else := text if {
	not has_verdict(check)
	text := "the plan has no verdict. The check was put off to the apply, or failed with a warning; this says nothing about the token. Let neither the check nor a module around it depend on a resource that has changes, and plan again."
} else := text if {
	not check.verdict.valid
	text := sprintf("not valid, status %v. %v", [check.verdict.status, check.verdict.reason])
} else := text if {
	check.verdict.valid
	check.verdict.expires_on == null
	text := sprintf("the end of the token is not known, so that min_remaining_hours (%v) cannot be judged. Set it to 0 if that is to pass.", [setting("min_remaining_hours")])
} else := text if {
	check.verdict.valid
	text := sprintf("the token ends at %v, and less than min_remaining_hours (%v) is left. Renew it, put the new one where the old one is (%v), and plan again.", [check.verdict.expires_on, setting("min_remaining_hours"), check.verdict.token_source])
} else := "the check is not in the form that the policy knows. Use a version of the policy that goes with the provider."
