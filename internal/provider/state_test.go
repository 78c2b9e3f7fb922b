package provider_test

import (
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// A provider that reads anonymously without a token drops its resources from the
// state. The gate keeps them.
func TestGateKeepsState(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		if f.block != "github" && f.block != "gitlab" {
			t.Skip("without a token, the provider fails")
		}

		for name, config := range map[string]string{"gate": gate, "no gate": "provider \"PROVIDER\" {\n  SERVER\n}\n"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()

				_, main, _ := f.gated(t, config+gateRecord, issuertest.Secret)
				w := clitest.Workspace(t, map[string]string{"main.tf": main})
				clitest.Run(t, w, []string{f.tokenVariable + "=" + issuertest.Secret}, true, []string{"apply", "-auto-approve", "-no-color"}, "1 added")

				_, before := stateOf(w)
				clitest.Run(t, w, nil, name != "gate", []string{"apply", "-refresh-only", "-auto-approve", "-no-color"})

				if _, after := stateOf(w); (after == before) != (name == "gate") || !strings.Contains(before, f.guarded[0]) {
					t.Errorf("the state was %s and is %s", before, after)
				}
			})
		}
	})
}

// On Terraform, depends_on does not defer an ephemeral resource: a token file that the
// same run creates does not exist during plan. OpenTofu defers it.
func TestTokenFileOfTheSameRun(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		s, url := f.start(nil)
		t.Cleanup(s.Close)

		w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + f.provider(url, s.TrustBundle) +
			f.words("resource \"terraform_data\" \"file\" {}\n\nephemeral \"KIND\" \"this\" {\n  TOKEN_file = \"token\"\n  depends_on = [terraform_data.file]\n}\n", "")})
		if clitest.OpenTofu(t) {
			clitest.Run(t, w, nil, true, []string{"plan", "-no-color"}, "1 to add")
		} else {
			clitest.Run(t, w, nil, false, []string{"plan", "-no-color"}, "Error: Token file cannot be read", "ephemeral."+f.kind()+".this")
		}
	})
}
