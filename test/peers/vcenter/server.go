package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// apiServer is the https port of vCenter. It can go away for a while and come back on the same port.
type apiServer struct {
	mu          sync.Mutex
	handler     http.Handler
	certificate tls.Certificate
	address     string
	current     *http.Server
	isStopped   bool
}

func newApiServer(handler http.Handler) (*apiServer, error) {
	certificate, err := newCertificate()
	if err != nil {
		return nil, err
	}
	s := &apiServer{handler: handler, certificate: certificate, address: "127.0.0.1:0"}
	return s, s.listen()
}

func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "vcenter.test"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "vcenter.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func (s *apiServer) listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isStopped || s.current != nil {
		return nil
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	server := &http.Server{
		Handler:   s.handler,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{s.certificate}, MinVersion: tls.VersionTLS12},
	}
	s.current = server
	go func() {
		if err := server.ServeTLS(listener, "", ""); err != http.ErrServerClosed {
			log.Print(err)
		}
	}()
	return nil
}

// cut closes the port and every connection; calls in progress lose their answer.
func (s *apiServer) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		_ = s.current.Close()
		s.current = nil
	}
}

func (s *apiServer) stop() {
	s.cut()
	s.mu.Lock()
	s.isStopped = true
	s.mu.Unlock()
}

func thumbprint(sum []byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// readyLine is what the peer prints once, as JSON, when it answers.
type readyLine struct {
	URL         string            `json:"url"`
	Control     string            `json:"control"`
	User        string            `json:"user"`
	Password    string            `json:"password"`
	Thumbprints map[string]string `json:"thumbprints"`
	Datastores  []datastoreSpec   `json:"datastores"`
	PID         int               `json:"pid"`
}

func (p *peer) start() (*readyLine, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/sdk", p.serveSDK)
	mux.HandleFunc("/sdk/", p.serveSDK)
	mux.HandleFunc("/sdk/vimServiceVersions.xml", p.serveVersions)
	mux.HandleFunc("/folder/", p.serveFolder)
	mux.HandleFunc(guestFilePath, p.serveGuestFile)
	server, err := newApiServer(mux)
	if err != nil {
		return nil, err
	}
	p.server = server
	control, err := p.startControl()
	if err != nil {
		return nil, err
	}
	return p.describe(control), nil
}

func (p *peer) startControl() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: p.controlHandler(), BaseContext: func(net.Listener) context.Context {
		return context.Background()
	}}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

func (p *peer) serveVersions(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8" ?>
<namespaces version="1.0">
 <namespace>
  <name>urn:vim25</name>
  <version>%s</version>
  <priorVersions><version>6.7</version><version>6.5</version></priorVersions>
 </namespace>
</namespaces>
`, content().About.ApiVersion)
}

func thumbprintsOf(der []byte) map[string]string {
	one, two := sha1.Sum(der), sha256.Sum256(der)
	return map[string]string{"sha1": thumbprint(one[:]), "sha256": thumbprint(two[:])}
}
