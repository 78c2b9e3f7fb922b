# Refuses a plan that does not show that its tokens are verified. The input is the
# output of "terraform show -json PLANFILE". A verdict that is missing, unknown, or of an
# unexpected type is refused.
package tokencheck

settings := data.tokencheck_settings if json.match_schema(data.tokencheck_settings, {
	"properties": {
		"gated_providers": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9_-]+(/[a-z0-9_-]+)+$"}},
		"min_remaining_hours": {"type": "number", "minimum": 0},
		"required_checks": {"type": "array", "items": {"type": "string"}},
		"allow_switched_off_gates": {"type": "boolean"},
	},
	"required": ["gated_providers", "min_remaining_hours", "required_checks", "allow_switched_off_gates"],
	"additionalProperties": false,
})[0]

deny contains "tokencheck_settings is missing or invalid. Set gated_providers to a list of lower-case sources such as cloudflare/cloudflare, required_checks to a list of strings, min_remaining_hours to a non-negative number, and allow_switched_off_gates to a boolean, and remove all other keys." if {
	not settings
}

# --- The plan as a whole

# A state has no configuration.
is_plan if {
	startswith(input.format_version, "1.")
	is_object(input.configuration)
}

succeeded if {
	is_plan
	object.get(input, "errored", false) == false
}

deny contains "The input is not a plan in a supported format. Pass the output of \"terraform show -json PLANFILE\", format version 1." if {
	not is_plan
}

# Verdicts in such a plan may be from an earlier run.
deny contains "The plan failed and cannot be applied. Fix the errors that it reported, and plan again." if {
	is_plan
	not succeeded
}

# With -target, a verdict may also be from an earlier run.
deny contains "The plan is not complete and may lack checks. Plan again without -target." if {
	succeeded
	object.get(input, "complete", true) != true
}

deny contains "The plan has no token check. Gate each provider that uses a token with a tokencheck ephemeral resource, or add a data source." if {
	succeeded
	count(checks) + count(gates) == 0
}

# The plan does not show which provider configuration such an import uses.
deny contains message if {
	succeeded
	some change in input.resource_changes
	change.change.generated_config
	message := sprintf("%s: the import generates its configuration, so its provider may not be gated. Write the configuration, then import.", [change.address])
}

deny contains message if {
	succeeded
	some address in settings.required_checks
	not address in {check.address | some check in checks}
	message := sprintf("%s: this required check is not in the plan. Add it, or remove it from required_checks.", [address])
}

# Resource types of the same name from another provider prove nothing.
sources contains {"address": check.address, "full_name": check.provider_name} if some check in checks

sources contains {"address": key, "full_name": provider.full_name} if {
	some key, provider in input.configuration.provider_config
	provider.name == "tokencheck"
}

deny contains message if {
	some source in sources
	not endswith(source.full_name, "/tokencheck/tokencheck")
	message := sprintf("%s: the provider is %v, which the policy does not trust. Set its source to tokencheck/tokencheck.", [source.address, source.full_name])
}

# --- Gates

# Provider configurations of all modules, with arguments or in use.
configured[key] := provider if {
	some key, provider in input.configuration.provider_config
	provider.expressions
}

configured[key] := input.configuration.provider_config[key] if some key in used

used contains resource.provider_config_key if walk(input.configuration.root_module, [_, resource])

# Terraform does not list the provider configuration of an action in a module without a
# provider block.
deny contains message if {
	succeeded
	some key in used
	not input.configuration.provider_config[key]
	message := sprintf("provider %s: the plan does not show this provider configuration, so it may not be gated. Add a provider block to the module, or move the action to the root module.", [key])
}

# Resources that exist only in state need no provider configuration.
deleting[name] := {"full_name": name} if {
	some resource in input.resource_changes
	name := resource.provider_name
	not name in {provider.full_name | some provider in configured}
}

providers := object.union(configured, deleting)

# The provider configurations that must be gated.
gated contains key if {
	some key, provider in providers
	some name in settings.gated_providers
	endswith(sprintf("/%v", [provider.full_name]), sprintf("/%s", [name]))
}

# The configuration of a module by its address, such as module.a.module.b.
module_at(address) := object.get(
	input.configuration.root_module,
	[step | some i, name in split(address, "."); i % 2 == 1; some step in ["module_calls", name, "module"]],
	{},
)

# A reference, and what a module's output refers to, each with all references of the
# output.
resolve(module, reference) := {[module, reference, []]} | {[called, behind, references] |
	some [_, name, output] in regex.find_all_string_submatch_n(`^module\.([^.\[]+)(?:\[.*\])?\.([^.\[]+)$`, reference, 1)
	called := module.module_calls[name].module
	references := called.outputs[output].expression.references
	some behind in references
}

# The ephemeral resources that gate a provider, each with its module, and what else the
# expression, and that of the output, refer to. A plan lists a reference with its prefixes.
gates[key] contains [module, address, beside] if {
	some key, provider in providers
	some expression in provider.expressions
	some reference in expression.references
	some [module, target, references] in resolve(module_at(object.get(provider, "module_address", "")), reference)
	startswith(target, "ephemeral.tokencheck_")
	endswith(target, ".verified_token")
	address := regex.replace(target, `(\[.*\])?\.verified_token$`, "")
	beside := {other | some other in expression.references; not startswith(reference, other)} | {other |
		some hidden in references
		not startswith(target, hidden)
		other := sprintf("%s in %s", [hidden, reference])
	}
}

# The expression of a gate may also refer to a switch, a boolean variable of the root
# module, and to nothing else: it could select another token.
deny contains message if {
	succeeded
	some key, found in gates
	key in gated
	some [_, _, others] in found
	some reference in others
	not is_switch(key, reference)
	message := sprintf("provider %s: its token also depends on %s. Let it refer to verified_token and to a boolean variable of the root module only.", [key, reference])
}

is_switch(key, reference) if reference in object.keys(switches[key])

# The value of each switch of a gate. A plan shows what was passed: from the environment
# or the command line, it is text.
switches[key][reference] := value if {
	some key, found in gates
	not providers[key].module_address
	some [_, _, others] in found
	some reference in others
	value := input.variables[trim_prefix(reference, "var.")].value
	value in {true, false, "true", "false", "1", "0"}
}

switched_off contains [key, reference] if {
	some key, values in switches
	some reference, value in values
	value in {false, "false", "0"}
}

deny contains message if {
	succeeded
	settings.allow_switched_off_gates == false
	some [key, reference] in switched_off
	key in gated
	message := sprintf("provider %s: its gate is switched off by %s, which must be true to verify. Plan again with true, or set allow_switched_off_gates in an outage of the issuer.", [key, reference])
}

# Shown by conftest, and by a query of data.tokencheck.warn.
warn contains message if {
	succeeded
	settings.allow_switched_off_gates
	some [key, reference] in switched_off
	message := sprintf("provider %s: its gate is switched off by %s, and allow_switched_off_gates accepts that: its token was not verified.", [key, reference])
}

deny contains message if {
	some key in gated
	not gates[key]
	message := sprintf("provider %s: no argument refers to a verified_token (variables, local values, and splats are not followed). Set its token argument to the verified_token of a tokencheck ephemeral resource, directly or through a module output.", [key])
}

# OpenTofu lists ephemeral resources in the plan, Terraform does not.
deny contains message if {
	some key, found in gates
	some [module, address, _] in found
	some resource in module.resources
	resource.address == address
	object.get(resource.expressions.require_valid, "constant_value", false) != true
	message := sprintf("provider %s: its check, %s, may report an invalid token without an error. Remove require_valid.", [key, address])
}

# --- Data sources

is_check(resource) if {
	resource.mode == "data"
	startswith(resource.type, "tokencheck_")
}

# Read during plan. The values of another resource may look like a check.
checks contains check if {
	some path, resource
	walk(input.prior_state.values.root_module, [path, resource])
	not "values" in path
	is_check(resource)
	check := summary(resource, ["values"])
}

# Read during apply: deferred, or in a check block. The latter is read during plan too.
checks contains check if {
	some resource in input.resource_changes
	is_check(resource)
	check := summary(resource, ["change", "after"])
}

summary(resource, path) := {
	"address": resource.address,
	"type": resource.type,
	"provider_name": object.get(resource, "provider_name", null),
	"verdict": object.get(resource, path, {}),
}

deny contains message if {
	is_plan
	settings
	some check in checks
	not passes(check)
	message := sprintf("%s: %s", [check.address, explanation(check)])
}

passes(check) if {
	accepted(check)
	lasts(check)
}

accepted(check) if check.verdict.valid == true

# Its own min_remaining is for a warning; the settings decide.
accepted(check) if {
	check.verdict.valid == false
	check.verdict.status == "expiring"
}

# Relative to the time of evaluation. Times are compared as text, since Rego's
# nanoseconds overflow in 2262. The provider writes all of them in UTC, some with fractions.
lasts(check) if {
	remaining := round(settings.min_remaining_hours * 3600000000000)
	expires_on := regex.replace(check.verdict.expires_on, `\.\d+Z$`, "Z")
	regex.match(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, expires_on)
	expires_on > time.format([time.now_ns() + remaining, "UTC", "RFC3339"])
}

# Null means that the token does not expire. For other issuers it may mean not reported.
lasts(check) if {
	check.verdict.expires_on == null
	check.type in {"tokencheck_cloudflare"}
}

lasts(check) if {
	check.verdict.expires_on == null
	settings.min_remaining_hours == 0
}

explanation(check) := text if {
	check.verdict.valid == false
	text := sprintf("not valid, status %v. %v", [check.verdict.status, check.verdict.reason])
} else := text if {
	check.verdict.valid == true
	check.verdict.expires_on == null
	text := sprintf("the token's expiration is not reported, and min_remaining_hours is %v. Set it to 0 to accept that.", [settings.min_remaining_hours])
} else := text if {
	check.verdict.valid == true
	text := sprintf("the token expires at %v, in less than min_remaining_hours (%v). Replace it (source: %v), and plan again.", [check.verdict.expires_on, settings.min_remaining_hours, check.verdict.token_source])
} else := "the plan has no verdict: the check is deferred, or failed with a warning. Remove references to managed resources and depends_on from the check and its module, and plan again."
