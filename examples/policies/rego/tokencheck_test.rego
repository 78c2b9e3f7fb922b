# What real plans rarely show. Run it with "opa test policies".
package tokencheck_test

import data.tokencheck

settings := {"gated_providers": [], "min_remaining_hours": 24, "required_checks": [], "allow_switched_off_gates": false}

# evaluated returns the messages for a plan at noon.
evaluated(plan, settings) := messages if {
	messages := tokencheck.deny with input as plan
		with time.now_ns as time.parse_rfc3339_ns("2026-03-01T12:00:00Z")
		with data.tokencheck_settings as settings
}

denied(plan, hours) := evaluated(plan, object.union(settings, {"min_remaining_hours": hours}))

# plan has one check, which differs from a passing one by the changes.
plan(changes) := {
	"format_version": "1.2",
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

expiring(moment) := plan({"values": {"expires_on": moment}})

test_remaining_lifetime if {
	count(denied(expiring("2026-03-02T12:00:00Z"), 24)) == 1
	count(denied(expiring("2026-03-02T12:00:01Z"), 24)) == 0
	count(denied(expiring("2026-03-01T12:15:00Z"), 0.25)) == 1
	count(denied(expiring("2026-03-01T12:15:01Z"), 0.25)) == 0
	count(denied(expiring("2026-03-01T12:00:00Z"), 0)) == 1
	count(denied(expiring("9999-12-31T23:59:59Z"), 24)) == 0
}

test_what_is_malformed_never_passes if {
	every changes in [
		{"values": null},
		{"values": {"valid": null}},
		{"values": {"valid": "true"}},
		{"values": {"expires_on": ""}},
		{"values": {"expires_on": "soon"}},
		{"values": {"expires_on": "2030-01-01T00:00:00+01:00"}},
		{"values": {"expires_on": 4102444800}},
		{"provider_name": null},
		{"provider_name": "registry.terraform.io/other/tokencheck"},
		{"mode": "managed"},
	] {
		count(denied(plan(changes), 24)) == 1
	}
}

test_other_provider_of_ephemeral_resources if {
	config := {"provider_config": {"tokencheck": {"name": "tokencheck", "full_name": "registry.terraform.io/other/tokencheck"}}}
	count(denied(object.union(plan({}), {"configuration": config}), 24)) == 1
}

test_generated_configuration if {
	change := {"address": "cloudflare_dns_record.x", "change": {"generated_config": "resource {}"}}
	count(denied(object.union(plan({}), {"resource_changes": [change]}), 24)) == 1
}

test_later_format if count(denied(object.union(plan({}), {"format_version": "2.0"}), 24)) == 1

test_required_checks if {
	count(evaluated(plan({}), object.union(settings, {"required_checks": ["data.tokencheck_venafi.this"]}))) == 0
	count(evaluated(plan({}), object.union(settings, {"required_checks": ["data.x.y"]}))) == 1
}

test_invalid_settings if {
	every invalid in [
		{},
		"72h",
		object.remove(settings, ["required_checks"]),
		object.union(settings, {"required_check": []}),
		object.union(settings, {"required_checks": {"a": "b"}}),
		object.union(settings, {"min_remaining_hours": "72"}),
		object.union(settings, {"min_remaining_hours": -1}),
		object.union(settings, {"gated_providers": ["Cloudflare"]}),
	] {
		some message in evaluated(plan({}), invalid)
		startswith(message, "tokencheck_settings is missing or invalid.")
	}
}

# The configuration of an action in a module without a provider block, as Terraform 1.15 shows it.
test_unknown_provider_configuration if {
	some message in evaluated(
		object.union(plan({}), {"configuration": {
			"provider_config": {"tokencheck": {"name": "tokencheck", "full_name": "registry.terraform.io/tokencheck/tokencheck"}},
			"root_module": {"module_calls": {"m": {"module": {"actions": [{"address": "action.example_ping.this", "provider_config_key": "module.m:example"}]}}}},
		}}),
		settings,
	)
	startswith(message, "provider module.m:example: the plan does not show")
}
