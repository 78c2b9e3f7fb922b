# What real plans seldom show. Run it with "opa test policies/rego".
package tokencheck_test

import data.tokencheck

# denied gives the messages for a plan at noon, with these settings.
denied(plan, settings) := messages if {
	messages := tokencheck.deny with input as plan
		with time.now_ns as time.parse_rfc3339_ns("2026-03-01T12:00:00Z")
		with data.tokencheck_settings as settings
}

day := {"min_remaining_hours": 24}

# plan holds one check, which differs from a passing one by the changes.
plan(changes) := {
	"format_version": "1.2",
	"planned_values": {},
	"configuration": {},
	"prior_state": {"values": {"root_module": {"resources": [object.union(
		{
			"address": "data.tokencheck_venafi.this",
			"mode": "data",
			"type": "tokencheck_venafi",
			"provider_name": "registry.terraform.io/tokencheck/tokencheck",
			"values": {"valid": true, "expires_on": "2026-04-01T12:00:00Z", "token_source": "provider"},
		},
		changes,
	)]}}},
}

ending(moment) := plan({"values": {"expires_on": moment}})

test_passes if count(denied(plan({}), day)) == 0

test_margin_has_an_end if {
	count(denied(ending("2026-03-02T12:00:00Z"), day)) == 1
	count(denied(ending("2026-03-02T12:00:01Z"), day)) == 0
}

test_margin_of_minutes if {
	count(denied(ending("2026-03-01T12:15:00Z"), {"min_remaining_hours": 0.25})) == 1
	count(denied(ending("2026-03-01T12:15:01Z"), {"min_remaining_hours": 0.25})) == 0
}

test_ended_since_the_plan if {
	count(denied(ending("2026-03-01T12:00:00Z"), {"min_remaining_hours": 0})) == 1
}

test_end_that_rego_cannot_count if count(denied(ending("9999-12-31T23:59:59Z"), day)) == 0

test_end_of_another_form if {
	every end in ["", "soon", "2030-01-01T00:00:00+01:00", 4102444800, true, [], {}] {
		count(denied(ending(end), day)) == 1
	}
}

test_what_is_missing_never_passes if {
	every changes in [
		{"values": null},
		{"values": {"valid": null}},
		{"values": {"valid": "true"}},
		{"provider_name": null},
	] {
		count(denied(plan(changes), day)) == 1
	}
}

test_managed_resource_is_no_check if {
	some message in denied(plan({"mode": "managed"}), day)
	startswith(message, "The plan has no token check.")
}

test_format_of_a_later_version if {
	count(denied(object.union(plan({}), {"format_version": "2.0"}), day)) == 1
}
