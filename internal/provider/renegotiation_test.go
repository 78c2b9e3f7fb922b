package provider_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// IIS requests a client certificate by TLS 1.2 renegotiation after it has seen the
// request's path. Go's own server cannot do this, openssl s_server can.
func TestVenafiRenegotiation(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("NOTICE: renegotiation is not tested, because openssl is not in PATH")
	}

	authority := issuertest.NewAuthority()
	serverCertificate, serverKey := issuertest.PEM(authority.Issue(issuertest.Certificate{}))
	clientCertificate, clientKey := issuertest.PEM(authority.Issue(issuertest.Certificate{}))

	for name, block := range map[string]map[string]any{
		"with a certificate":    {"client_certificate": clientCertificate, "client_key": clientKey},
		"without a certificate": {},
		"maximum TLS 1.2":       {"tls_max_version": "1.2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range map[string]string{"cert.pem": serverCertificate, "key.pem": serverKey, "ca.pem": authority.PEM} {
				must(os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
			}

			address, certificates := serveRenegotiating(t, openssl, dir)
			block["url"], block["trust_bundle"], block["access_token"] = "https://"+address, authority.PEM, issuertest.Secret
			s := newServer(t, host(nil))
			if all := s.configure(map[string]any{"timeout": "20s", "max_retries": 0, "venafi": block}); len(all) > 0 {
				t.Fatal(all)
			}
			if got, all := s.read("tokencheck_venafi", nil); got["valid"] != true || len(all) > 0 {
				t.Fatalf("got %v, %v", got, all)
			}
			if sent := <-certificates; sent != (name == "with a certificate") {
				t.Errorf("the client sent a certificate: %t", sent)
			}
		})
	}
}

// serveRenegotiating starts an s_server that requests a certificate after the
// request, and then responds. It returns the address, and whether the client sent a
// certificate.
func serveRenegotiating(t *testing.T, openssl, dir string) (address string, certificates <-chan bool) {
	t.Helper()

	// The port is free in a moment; s_server does not report which one it uses.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	address = listener.Addr().String()
	must(listener.Close())

	command := exec.Command(openssl, "s_server", "-accept", address, "-tls1_2", "-state", "-legacy_renegotiation", "-crlf",
		"-cert", "cert.pem", "-key", "key.pem", "-CAfile", "ca.pem")
	command.Dir = dir
	stdin, _ := command.StdinPipe()
	stdout, _ := command.StdoutPipe()
	command.Stderr = command.Stdout
	must(command.Start())

	ready, done, sent := make(chan struct{}, 9), make(chan struct{}), make(chan bool, 1)
	go func() {
		defer close(done)
		handshakes, certificate := 0, false

		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			switch line := lines.Text(); {
			case line == "ACCEPT":
				ready <- struct{}{} // Again after each connection.
			case strings.HasPrefix(line, "User-Agent: "):
				// R makes the server renegotiate, and request a certificate. The
				// response follows after that: it would be lost if it were read
				// together with the command.
				_, _ = io.WriteString(stdin, "R\n")
			case strings.HasPrefix(line, "depth=0"):
				certificate = true
			case line == "SSL_accept:SSLv3/TLS write finished":
				if handshakes++; handshakes < 2 {
					continue
				}
				sent <- certificate
				body := venafitest.Body(venafitest.Token{Application: "a", Scope: "ssh"})
				_, _ = fmt.Fprintf(stdin, "HTTP/1.1 200 Token is valid\nContent-Length: %d\nConnection: close\n\n%s\n", len(body), body)
			}
		}
	}()

	t.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Process.Kill()
		<-done
		_ = command.Wait()
	})

	select {
	case <-ready:
	case <-done:
		t.Skip("NOTICE: renegotiation is not tested, because this openssl does not support it")
	}
	return address, sent
}
