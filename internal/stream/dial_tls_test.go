package stream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

// TestTLS has a server that shows a certificate and asks for one, both signed by an authority of their own.
func TestTLS(t *testing.T) {
	authority := newAuthority(t)
	pair, err := tls.LoadX509KeyPair(authority.issue(t, "server"))
	if err != nil {
		t.Fatal(err)
	}
	s := natstest.New(t, func(o *server.Options) {
		o.TLSTimeout = patience.Seconds()
		o.TLSConfig = &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: authority.pool(), ClientAuth: tls.RequireAndVerifyClientCert,
		}
	})
	cert, key := authority.issue(t, "client")
	becomes(t, dialOutside(t, stream.DialOptions{Servers: natstest.URLs(s), CA: authority.file, Cert: cert, Key: key}), nats.CONNECTED)
	for name, o := range map[string]stream.DialOptions{
		"no certificate":          {CA: authority.file},
		"of an unknown authority": {Cert: cert, Key: key},
	} {
		t.Run(name, func(t *testing.T) {
			log := new(logBuffer)
			o.Servers, o.Logger = natstest.URLs(s), log.logger()
			conn := dialOutside(t, o)
			log.wait(t, "cannot connect to NATS")
			if conn.IsConnected() {
				t.Error("it is connected")
			}
		})
	}
}

type authority struct {
	file        string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{certificate: template("authority"), file: filepath.Join(t.TempDir(), "ca.pem")}
	a.certificate.IsCA, a.certificate.BasicConstraintsValid, a.certificate.KeyUsage = true, true, x509.KeyUsageCertSign
	a.key = newECDSA(t)
	a.write(t, a.file, a.certificate, &a.key.PublicKey)
	return a
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	content, _ := os.ReadFile(a.file)
	pool.AppendCertsFromPEM(content)
	return pool
}

// issue writes a certificate and its key.
func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	private := newECDSA(t)
	a.write(t, cert, template(name), &private.PublicKey)
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, key, "EC PRIVATE KEY", der)
	return cert, key
}

func (a *authority) write(t *testing.T, file string, c *x509.Certificate, public *ecdsa.PublicKey) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.certificate, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, file, "CERTIFICATE", der)
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func newECDSA(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
