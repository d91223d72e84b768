package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// authority is a certificate authority in the form in which it is stored and handed to joining
// servers.
type authority struct {
	Certificate []byte `json:"certificate"`
	Key         []byte `json:"key"`
}

func must[T any](value T, err error) T {
	if err != nil {
		fatal("%v", err)
	}
	return value
}

func serial() *big.Int {
	return must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 62)))
}

func newAuthority(kind string) authority {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		// The time in the name is the real one's habit: it tells two clusters' authorities apart.
		Subject:               pkix.Name{CommonName: fmt.Sprintf("stand-in-%s-ca@%d", kind, now.Unix())},
		NotBefore:             now.Add(-time.Minute),
		NotAfter:              now.AddDate(10, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return authority{encode("CERTIFICATE", der), encodeKey(key)}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func encodeKey(key *ecdsa.PrivateKey) []byte {
	return encode("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(key)))
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.Certificate)
	return pool
}

// issue returns a certificate, followed by the authority's own as in the real one, and its key.
func (a authority) issue(subject pkix.Name, usage x509.ExtKeyUsage, hosts []string) (certificate, key []byte) {
	pair := must(tls.X509KeyPair(a.Certificate, a.Key))
	parent := must(x509.ParseCertificate(pair.Certificate[0]))
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      subject,
		NotBefore:    now.Add(-time.Minute),
		NotAfter:     now.AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{usage},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if host != "" {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	own := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := must(x509.CreateCertificate(rand.Reader, template, parent, own.Public(), pair.PrivateKey))
	return append(encode("CERTIFICATE", der), a.Certificate...), encodeKey(own)
}
