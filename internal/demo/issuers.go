package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// The valid tokens.
const (
	validCloudflare = "fake-cf-1-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1"
	validVenafi     = "fake-tpp-1-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1"
)

const noChanges = "No changes"

// state is a token, the state that it is in, and what a plan then prints.
type state struct{ variable, name, token, prints string }

var states = []state{ //nolint:gochecknoglobals // Effectively a constant.
	{cloudflareVariable, "active", validCloudflare, noChanges},
	{cloudflareVariable, "expiring (within 72 hours)", "fake-cf-2-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "min_remaining requires at least 72h"},
	{cloudflareVariable, "expired", "fake-cf-3-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "expired at"},
	{cloudflareVariable, "disabled", "fake-cf-4-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "is disabled"},
	{cloudflareVariable, "not_yet_valid", "fake-cf-5-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "is not valid before"},
	{cloudflareVariable, "an undocumented status", "fake-cf-6-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "revoked (exposed)"},
	{cloudflareVariable, "rejected (account-owned)", "cfat_fake-cf-7-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "set account_id"},
	{cloudflareVariable, "rejected (deleted)", "fake-cf-8-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "Invalid API Token"},
	{venafiVariable, "active", validVenafi, noChanges},
	{venafiVariable, "expiring (within 72 hours)", "fake-tpp-2-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "min_remaining requires at least 72h"},
	{venafiVariable, "missing_scope (lacks certificate:manage)", "fake-tpp-3-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "lacks the required scope certificate:manage"},
	{venafiVariable, "rejected (revoked)", "fake-tpp-4-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1", "invalid_token"},
}

const (
	cloudflareVariable = "CLOUDFLARE_API_TOKEN"
	venafiVariable     = "VENAFI_TOKEN"
)

// issuers are the fake issuers, on loopback and without TLS, so that no CA needs to
// be trusted.
type issuers struct {
	cloudflare *cloudflaretest.Server
	venafi     *venafitest.Server
	// env contains their URLs, and valid tokens.
	env []string
}

func startIssuers() (i issuers, stop func()) {
	i = issuers{cloudflare: cloudflaretest.NewServer(), venafi: venafitest.NewServer()}
	c, v := httptest.NewServer(i.cloudflare.Config.Handler), httptest.NewServer(i.venafi.Config.Handler)
	i.env = []string{
		"CLOUDFLARE_BASE_URL=" + c.URL + "/client/v4", cloudflareVariable + "=" + validCloudflare, "VENAFI_URL=" + v.URL, venafiVariable + "=" + validVenafi,
	}

	now := time.Now().UTC().Truncate(time.Second)
	for token, known := range map[string]cloudflaretest.Token{
		validCloudflare: {},
		"fake-cf-2-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1":      {ExpiresOn: now.Add(24 * time.Hour)},
		"fake-cf-3-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1":      {ExpiresOn: now.Add(-24 * time.Hour)},
		"fake-cf-4-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1":      {Status: "disabled"},
		"fake-cf-5-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1":      {NotBefore: now.Add(48 * time.Hour)},
		"fake-cf-6-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1":      {Status: "revoked (exposed)"},
		"cfat_fake-cf-7-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1": {Account: "023e105f4ecef8ad9ca31a8372d0c353"},
	} {
		known.ID = "ed17574386854bf78a67040be0a770b0"
		i.cloudflare.Set(token, known)
	}

	for token, known := range map[string]venafitest.Token{
		validVenafi: {ValidFor: 7776000, Scope: "certificate:manage,revoke"},
		"fake-tpp-2-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1": {ValidFor: 86400, Scope: "certificate:manage"},
		"fake-tpp-3-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1": {ValidFor: 7776000, Scope: "certificate:discover;ssh"},
	} {
		known.IssuedOn, known.GrantIssuedOn, known.GrantExpiresOn = now, now, now.AddDate(1, 0, 0)
		known.Application, known.Identity = "fake", "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}"
		i.venafi.Set(token, known)
	}

	return i, func() {
		c.Close()
		v.Close()
		i.cloudflare.Close()
		i.venafi.Close()
	}
}

// outage makes Cloudflare return only 503 from now on.
func (i issuers) outage() {
	i.cloudflare.SetFault(issuertest.Reply(http.StatusServiceUnavailable, "<html>Service Unavailable</html>", "Content-Type", "text/html"))
}

// serve runs the issuers until the context is done. It reads tokens from in, one
// per line, and revokes them.
func serve(ctx context.Context, in io.Reader, out io.Writer) {
	i, stop := startIssuers()
	defer stop()

	fmt.Fprintln(out, "# A fake Cloudflare and a fake Venafi are running. Paste these lines into another shell:")

	for _, variable := range i.env {
		fmt.Fprintln(out, "export", variable)
	}

	fmt.Fprintln(out, "\n# Tokens in other states:")

	for _, s := range states {
		if s.prints == noChanges {
			continue
		}

		fmt.Fprintf(out, "export %s=%s # %s\n", s.variable, s.token, s.name)
	}

	fmt.Fprintln(out, "\n# Enter a token here to revoke it. Ctrl-C stops both.")

	go func() {
		for lines := bufio.NewScanner(in); lines.Scan(); {
			i.cloudflare.Revoke(lines.Text())
			i.venafi.Revoke(lines.Text())
			fmt.Fprintln(out, "# Revoked.")
		}
	}()

	<-ctx.Done()
}

func serveIssuers(ctx context.Context) { serve(ctx, os.Stdin, os.Stdout) }
