package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

// data is in one of the volumes that the image declares, so it lives as long as the container.
var (
	data      = "/var/lib/rancher/k3s/server"
	agentData = "/var/lib/rancher/k3s/agent"
)

const (
	heartbeat = time.Second
	// A node that was not heard of for so long is not Ready; the real one allows 40 s.
	grace = 5 * time.Second
)

// member is what a node says about itself in every heartbeat, and what servers store.
type member struct {
	Name          string            `json:"name"`
	Server        bool              `json:"server"`
	Port          string            `json:"port"`
	IP            string            `json:"ip"`
	Version       string            `json:"version"`
	Labels        map[string]string `json:"labels"`
	Created       time.Time         `json:"created"`
	Ready         bool              `json:"ready"`
	Unschedulable bool              `json:"unschedulable"`
	// Where other servers look for it, when that is not by its name: it stays what it was at first.
	Peer string `json:"peer,omitempty"`

	seen    time.Time // by this server's own clock, so nobody's clock needs to be right
	changed time.Time
}

// joined is a server's answer to a joining node.
type joined struct {
	ClientCA authority `json:"clientCA"`
	ServerCA authority `json:"serverCA"`
	Members  []member  `json:"members"`
	// Without it, what was removed here would come back from another server.
	Removed map[string]time.Time `json:"removed"`
}

type node struct {
	server     bool
	first      bool   // it belongs to no older server
	etcd       bool   // with more than one server a majority has to be there
	url        string // of an older server
	token      string
	port       string
	kubeconfig string
	names      []string
	kind       *job // in a node of kind's or minikube's
	minikube   bool

	started     time.Time
	up          time.Time
	readyAfter  time.Duration
	readyzAfter time.Duration

	lock     sync.Mutex
	self     member
	members  map[string]*member
	removed  map[string]time.Time
	said     time.Time
	clientCA authority
	serverCA authority
}

func newNode(role string, args []string) *node {
	hostname := must(os.Hostname())
	n := &node{
		server:      role == "server",
		port:        "6443",
		url:         os.Getenv("K3S_URL"),
		token:       os.Getenv("K3S_TOKEN"),
		kubeconfig:  os.Getenv("K3S_KUBECONFIG_OUTPUT"),
		readyAfter:  after("STAND_IN_READY_AFTER", time.Second),
		readyzAfter: after("STAND_IN_READYZ_AFTER", 0),
		members:     map[string]*member{},
		removed:     map[string]time.Time{},
		self:        member{Name: hostname, Labels: map[string]string{}},
	}
	for len(args) > 0 {
		flag, value, inline := strings.Cut(args[0], "=")
		args = args[1:]
		take := func() string {
			if !inline && len(args) > 0 {
				value, args = args[0], args[1:]
			}
			return value
		}
		// The others are the real one's own business; the value of one that is not known here is
		// passed over as if it were a flag.
		switch flag {
		case "--tls-san":
			n.names = append(n.names, strings.Split(take(), ",")...)
		case "--https-listen-port":
			n.port = take()
		case "--token", "-t":
			n.token = take()
		case "--server", "-s":
			n.url = take()
		case "--write-kubeconfig", "-o":
			n.kubeconfig = take()
		case "--node-name":
			n.self.Name = take()
		case "--node-label":
			for _, label := range strings.Split(take(), ",") {
				key, text, _ := strings.Cut(label, "=")
				n.self.Labels[key] = text
			}
		case "--cluster-init":
			n.etcd = true
		}
	}
	n.first = n.url == ""
	if !n.server && n.first {
		fatal("starting kubernetes: --server is required")
	}
	n.etcd = n.etcd || n.server && !n.first
	n.self.Server, n.self.Port, n.self.Version, n.self.IP = n.server, n.port, version(), ownIP()
	n.self.Labels["kubernetes.io/hostname"] = n.self.Name
	n.self.Labels["kubernetes.io/os"] = "linux"
	n.self.Labels["kubernetes.io/arch"] = arch
	n.self.Labels["dev.caproni.stand-in"] = "true"
	if n.server {
		n.self.Labels["node-role.kubernetes.io/control-plane"] = "true"
		if n.etcd {
			n.self.Labels["node-role.kubernetes.io/etcd"] = "true"
		}
	}
	return n
}

func ownIP() string {
	for _, ip := range ownIPs() {
		if net.ParseIP(ip).To4() != nil {
			return ip
		}
	}
	return "127.0.0.1"
}

func ownIPs() (result []string) {
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		if ip, ok := address.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			result = append(result, ip.IP.String())
		}
	}
	return result
}

func (n *node) run() {
	n.started = time.Now()
	logf("Starting Kubernetes %s (stand-in) as %s", version(), map[bool]string{true: "server", false: "agent"}[n.server])
	time.Sleep(after("STAND_IN_UP_AFTER", 0))
	n.load()
	if n.self.Created.IsZero() {
		n.self.Created = time.Now().UTC()
	}
	if n.server {
		n.runServer()
	} else {
		n.runAgent()
	}
}

// --- storage --------------------------------------------------------------------------------------

type stored struct {
	ClientCA authority `json:"clientCA"`
	ServerCA authority `json:"serverCA"`
	Token    string    `json:"token"`
	Self     member    `json:"self"`
	Members  []member  `json:"members"`
}

func (n *node) file() string {
	if n.server {
		return filepath.Join(data, "stand-in.json")
	}
	return filepath.Join(agentData, "stand-in.json")
}

func (n *node) load() {
	text, err := os.ReadFile(n.file())
	if err != nil {
		return
	}
	var s stored
	if err := json.Unmarshal(text, &s); err != nil {
		fatal("%s: %v", n.file(), err)
	}
	n.clientCA, n.serverCA = s.ClientCA, s.ServerCA
	n.self.Created, n.self.Unschedulable = s.Self.Created, s.Self.Unschedulable
	if s.Self.Peer != "" {
		n.self.Peer = s.Self.Peer
	}
	if n.token == "" {
		n.token = s.Token
	}
	for _, m := range s.Members {
		m := m
		n.members[m.Name] = &m
	}
}

// save wants the lock held.
func (n *node) save() {
	s := stored{ClientCA: n.clientCA, ServerCA: n.serverCA, Token: n.token, Self: n.self, Members: n.list()}
	writeFile(n.file(), must(json.Marshal(s)))
}

// writeFile never leaves half a file: a container may be killed at any time.
func writeFile(path string, content []byte) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		fatal("%v", err)
	}
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		fatal("%v", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		fatal("%v", err)
	}
}

// list wants the lock held.
func (n *node) list() []member {
	result := make([]member, 0, len(n.members))
	for _, m := range n.members {
		result = append(result, *m)
	}
	sort.Slice(result, func(i, j int) bool { return result[i].Name < result[j].Name })
	return result
}

// --- server ---------------------------------------------------------------------------------------

func (n *node) runServer() {
	switch {
	case n.serverCA.Key != nil: // kept, or minikube's
	case n.first:
		n.clientCA, n.serverCA = newAuthority("client"), newAuthority("server")
	default:
		// As long as there is no answer, the older server may be starting itself.
		for {
			answer, err := n.say(n.url, "join")
			if err == nil {
				n.clientCA, n.serverCA = answer.ClientCA, answer.ServerCA
				for _, m := range answer.Members {
					m := m
					n.members[m.Name] = &m
				}
				break
			}
			if errors.Is(err, errRefused) {
				fatal("starting kubernetes: preparing server: %v", err)
			}
			logAt("error", "Failed to join %s: %v", n.url, err)
			time.Sleep(heartbeat)
		}
	}
	if n.token == "" {
		n.token = fmt.Sprintf("stand-in-%x", serial())
	}
	n.lock.Lock()
	n.beat()
	n.save()
	n.lock.Unlock()
	// For the kubectl in here.
	writeFile(filepath.Join(data, "port"), []byte(n.port))
	writeFile(filepath.Join(data, "token"), []byte(n.token+"\n"))
	go n.listen()
	if n.minikube {
		// minikube has its own, and its certificates.
	} else if n.kind != nil {
		n.writeAdminConf()
	} else {
		writeManifest()
		n.writeKubeconfig()
		logf("Wrote kubeconfig %s", n.kubeconfig)
	}
	logf("Containerd is now running")
	go n.heartbeats()
	// "Running" rather than "ready": k3d starts the further servers on this line, without which
	// there may be no majority.
	logf("Running kube-apiserver --stand-in=true")
	for !n.majority() {
		time.Sleep(100 * time.Millisecond)
	}
	n.lock.Lock()
	n.up = time.Now()
	n.lock.Unlock()
	n.announce()
	logf("k3s is up and running")
	logf("Cluster dns configmap has been set successfully")
	go keepTalking(func() { logf("Still running") })
	for {
		if switched("crash") {
			fatal("told to crash")
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// writeManifest leaves what k3d looks for after the start: it adds its own host names in here.
func writeManifest() {
	path := filepath.Join(data, "manifests/coredns.yaml")
	if _, err := os.Stat(path); err == nil {
		return
	}
	writeFile(path, []byte(`# stand-in: nothing reads this
apiVersion: v1
kind: ConfigMap
metadata:
  name: coredns
  namespace: kube-system
data:
  NodeHosts: ""
`))
}

func (n *node) writeKubeconfig() {
	if n.kubeconfig == "" {
		n.kubeconfig = "/etc/rancher/k3s/k3s.yaml"
	}
	certificate, key := n.clientCA.issue(
		pkix.Name{CommonName: "system:admin", Organization: []string{"system:masters"}},
		x509.ExtKeyUsageClientAuth, nil)
	base := base64.StdEncoding.EncodeToString
	writeFile(n.kubeconfig, []byte(fmt.Sprintf(`apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: %s
    server: https://127.0.0.1:%s
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: %s
    client-key-data: %s
`, base(n.serverCA.Certificate), n.port, base(certificate), base(key))))
}

// listen serves the API, and stops to for as long as it is told so.
func (n *node) listen() {
	hosts := append([]string{"0.0.0.0", "127.0.0.1", "::1", "localhost", "kubernetes", "kubernetes.default",
		"kubernetes.default.svc", "kubernetes.default.svc.cluster.local", must(os.Hostname())}, n.names...)
	certificate, key := n.serverCA.issue(pkix.Name{CommonName: "k3s", Organization: []string{"k3s"}},
		x509.ExtKeyUsageServerAuth, append(hosts, ownIPs()...))
	config := &tls.Config{
		Certificates: []tls.Certificate{must(tls.X509KeyPair(certificate, key))},
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    n.clientCA.pool(),
	}
	for {
		for switched("api-down") {
			time.Sleep(100 * time.Millisecond)
		}
		listener, err := net.Listen("tcp", ":"+n.port)
		if err != nil {
			fatal("starting apiserver: %v", err)
		}
		server := &http.Server{Handler: n.api(), TLSConfig: config, ErrorLog: silent}
		go server.ServeTLS(listener, "", "")
		for !switched("api-down") {
			time.Sleep(100 * time.Millisecond)
		}
		logAt("warning", "told to close the API")
		server.Close()
	}
}

// majority tells whether enough servers are there to agree on anything, as etcd needs.
func (n *node) majority() bool {
	if !n.etcd {
		return true
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	all, there := 0, 0
	for _, m := range n.members {
		if m.Server {
			all++
			if time.Since(m.seen) < grace {
				there++
			}
		}
	}
	return there > all/2
}

// --- agent ----------------------------------------------------------------------------------------

func (n *node) runAgent() {
	for {
		n.lock.Lock()
		n.self.Ready = false
		n.lock.Unlock()
		answer, err := n.say(n.url, "heartbeat")
		if err == nil {
			n.learn(answer)
			break
		}
		logAt("error", "Failed to register with %s: %v", n.url, err)
		time.Sleep(heartbeat)
	}
	n.lock.Lock()
	n.up = time.Now()
	n.save()
	n.lock.Unlock()
	n.announce()
	logf("Successfully registered node %s", n.self.Name)
	go keepTalking(func() { logf("Still running") })
	go n.heartbeats()
	for {
		if switched("crash") {
			fatal("told to crash")
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// announce tells the kubeadm that waits in a node of kind's.
func (n *node) announce() {
	if n.kind != nil {
		writeFile(joinedFile, nil)
	}
}

// --- heartbeats -----------------------------------------------------------------------------------

// beat renews what this node says of itself, and wants the lock held.
func (n *node) beat() {
	now := time.Now()
	n.self.Ready = !n.up.IsZero() && now.Sub(n.up) >= n.readyAfter &&
		!switched("node-not-ready") && !switched("unready")
	if n.server {
		n.record(n.self)
	}
}

// record wants the lock held.
func (n *node) record(m member) {
	old := n.members[m.Name]
	m.seen, m.changed = time.Now(), time.Now()
	if old != nil && old.Ready == m.Ready && time.Since(old.seen) < grace {
		m.changed = old.changed
	}
	delete(n.removed, m.Name)
	n.members[m.Name] = &m
}

// heartbeats tells every server that is known, so that any of them can be lost.
func (n *node) heartbeats() {
	for ; ; time.Sleep(heartbeat / 4) {
		n.lock.Lock()
		before := n.self.Ready
		n.beat()
		changed := before != n.self.Ready
		due := time.Since(n.said) >= heartbeat || changed
		if due {
			n.said = time.Now()
		}
		targets := map[string]bool{}
		for _, m := range n.members {
			if m.Server && m.Name != n.self.Name {
				host := m.Name
				if n.server && m.Peer != "" {
					host = m.Peer
				}
				targets["https://"+net.JoinHostPort(host, m.Port)] = true
			}
		}
		if len(targets) == 0 && n.url != "" {
			targets[n.url] = true
		}
		n.lock.Unlock()
		if !due {
			continue
		}
		for target := range targets {
			// One that hangs must not keep the others from hearing of us.
			go func(target string) {
				if answer, err := n.say(target, "heartbeat"); err == nil {
					n.learn(answer)
				}
			}(target)
		}
	}
}

// learn takes over what this node has not heard of: nodes, and that nodes were removed.
func (n *node) learn(answer *joined) {
	n.lock.Lock()
	defer n.lock.Unlock()
	changed := false
	for name, when := range answer.Removed {
		if m := n.members[name]; m != nil && m.seen.Before(when) && name != n.self.Name {
			delete(n.members, name)
			n.removed[name] = when
			changed = true
		}
	}
	for _, m := range answer.Members {
		m := m
		_, removed := n.removed[m.Name]
		if n.members[m.Name] == nil && !removed && m.Name != n.self.Name {
			n.members[m.Name] = &m
			changed = true
		}
	}
	if changed {
		n.save()
	}
}

// The token is what protects these calls. Certificates are not checked: a joining node has nothing
// to check them with, and this network is the engine's own.
var peers = &http.Client{
	Timeout: 2 * time.Second,
	Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DialContext:       (&net.Dialer{Resolver: resolver}).DialContext,
		DisableKeepAlives: true,
	},
}

var errRefused = errors.New("400 Bad Request")

func (n *node) say(server, what string) (*joined, error) {
	n.lock.Lock()
	body := must(json.Marshal(n.self))
	n.lock.Unlock()
	target, err := url.JoinPath(server, "/stand-in/v1", what)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest("POST", target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+n.token)
	response, err := peers.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusBadRequest {
		return nil, fmt.Errorf("%s: %w", target, errRefused)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	var answer joined
	return &answer, json.Unmarshal(text, &answer)
}
