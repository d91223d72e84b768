package main

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// What stands in for kindest/node: the first process of the node, and the commands that kind runs
// in it. There, systemd starts kubelet and kubeadm tells it what to be; here, kubeadm leaves a job
// for the first process.

const (
	jobFile    = "/kind/stand-in.json"
	joinedFile = "/run/stand-in-joined"
	adminConf  = "/etc/kubernetes/admin.conf"
)

// job is what kubeadm was told to make of this node.
type job struct {
	Server   bool            `json:"server"`
	First    bool            `json:"first"`
	Cluster  string          `json:"cluster"`
	Endpoint string          `json:"endpoint"`
	Token    string          `json:"token"`
	Gates    map[string]bool `json:"gates"`
}

// kindNode is the first process of a node. It says what kind waits for before there is anything to
// wait for, as the real one does: kind then runs kubeadm.
func kindNode() {
	if switched("crash") {
		fatal("told to crash")
	}
	obeySignals()
	data, agentData = "/var/lib/stand-in", "/var/lib/stand-in"
	os.Remove(joinedFile)
	logf("detected IPv4 address: %s", ownIP())
	writeFile("/kind/old-ipv4", []byte(ownIP()))
	fmt.Println("stand-in: Reached target Multi-User System.")
	for {
		if j, err := readJob(jobFile); err == nil {
			newKindNode(j).run()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// readJob reads what kubeadm has left; that it is not there yet is an error.
func readJob(file string) (j job, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return j, err
	}
	if err := json.Unmarshal(text, &j); err != nil {
		fatal("%s: %v", file, err)
	}
	return j, nil
}

func newKindNode(j job) *node {
	n := &node{
		server:     j.Server,
		first:      j.First,
		etcd:       j.Server,
		port:       "6443",
		token:      j.Token,
		readyAfter: time.Second,
		members:    map[string]*member{},
		removed:    map[string]time.Time{},
		kind:       &j,
		self:       member{Name: must(os.Hostname()), Server: j.Server, Port: "6443", Version: version(), IP: ownIP()},
	}
	if !j.First {
		n.url = "https://" + j.Endpoint
	}
	host := strings.Split(j.Endpoint, ":")[0]
	n.names = []string{host, "localhost"}
	if j.Gates["StandInNeverReady"] {
		n.readyAfter = 1 << 62
	}
	if j.Gates["StandInReadyzFails"] {
		n.readyzAfter = 1 << 62
	}
	n.self.Labels = map[string]string{
		"kubernetes.io/hostname": n.self.Name, "kubernetes.io/os": "linux",
		"kubernetes.io/arch": arch, "dev.caproni.stand-in": "true",
	}
	if j.Server {
		n.self.Labels["node-role.kubernetes.io/control-plane"] = ""
	}
	// The address that the other servers have for this one: etcd keeps the one a member joined with.
	n.self.Peer = n.self.IP
	return n
}

// writeAdminConf leaves what kubeadm does: the certificates that kind copies to other servers, and
// the kubeconfig that it reads.
func (n *node) writeAdminConf() {
	pki := "/etc/kubernetes/pki"
	for name, from := range map[string]authority{
		"ca": n.serverCA, "front-proxy-ca": n.clientCA, "etcd/ca": n.serverCA,
	} {
		writeFile(filepath.Join(pki, name+".crt"), from.Certificate)
		writeFile(filepath.Join(pki, name+".key"), from.Key)
	}
	writeFile(filepath.Join(pki, "sa.pub"), n.serverCA.Certificate)
	writeFile(filepath.Join(pki, "sa.key"), n.serverCA.Key)
	if !n.kind.First {
		return // kind has copied it from the first
	}
	certificate, key := n.clientCA.issue(
		pkix.Name{CommonName: "kubernetes-admin", Organization: []string{"kubeadm:cluster-admins"}},
		x509.ExtKeyUsageClientAuth, nil)
	base := base64.StdEncoding.EncodeToString
	writeFile(adminConf, []byte(fmt.Sprintf(`apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: %[3]s
    server: https://%[2]s
  name: %[1]s
contexts:
- context:
    cluster: %[1]s
    user: kubernetes-admin
  name: kubernetes-admin@%[1]s
current-context: kubernetes-admin@%[1]s
kind: Config
users:
- name: kubernetes-admin
  user:
    client-certificate-data: %[4]s
    client-key-data: %[5]s
`, n.kind.Cluster, n.kind.Endpoint, base(n.serverCA.Certificate), base(certificate), base(key))))
}

// --- kubeadm --------------------------------------------------------------------------------------

func kubeadm(args []string) {
	if len(args) == 0 || args[0] != "init" && args[0] != "join" {
		kubeFatal("kubeadm: only init and join")
	}
	conf, err := os.ReadFile("/kind/kubeadm.conf")
	if err != nil {
		kubeFatal("%v", err)
	}
	j, err := readKubeadmConf(string(conf), args[0] == "init")
	if err != nil {
		kubeFatal("/kind/kubeadm.conf: %v", err)
	}
	if j.Gates["StandInCrashes"] {
		kubeFatal("error execution phase wait-control-plane: told to crash")
	}
	writeFile(jobFile, must(json.Marshal(j)))
	deadline := time.Now().Add(2 * time.Minute)
	for ; time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(joinedFile); err == nil {
			fmt.Println("stand-in: Your Kubernetes control-plane has initialized successfully!")
			return
		}
	}
	kubeFatal("error execution phase wait-control-plane: timed out waiting for the condition")
}

func kubeFatal(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "stand-in: "+format+"\n", args...)
	os.Exit(1)
}

var gate = regexp.MustCompile(`"?(StandIn\w+)"?\s*[:=]\s*true`)

// readKubeadmConf takes the few values it needs out of what kind writes; it is no YAML parser.
func readKubeadmConf(text string, first bool) (job, error) {
	find := func(pattern string) string {
		match := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if match == nil {
			return ""
		}
		return match[1]
	}
	j := job{
		First:    first,
		Server:   first,
		Cluster:  find(`(?m)^clusterName: "?([^"\n]+)"?`),
		Endpoint: find(`(?m)^controlPlaneEndpoint: "?([^"\n]+)"?`),
		Token:    find(`token: "?([^"\n]+)"?`),
		Gates:    map[string]bool{},
	}
	for _, match := range gate.FindAllStringSubmatch(text, -1) {
		j.Gates[match[1]] = true
	}
	for _, document := range strings.Split(text, "\n---\n") {
		if !first && strings.Contains(document, "kind: JoinConfiguration") {
			j.Endpoint = find(`apiServerEndpoint: "?([^"\n]+)"?`)
			j.Server = strings.Contains(document, "\ncontrolPlane:")
		}
	}
	if j.Endpoint == "" || j.Token == "" {
		return j, errors.New("no endpoint or no token")
	}
	return j, nil
}

// kindKubectl takes whatever kind gives it, and keeps nothing of it.
func kindKubectl(args []string) {
	if len(args) == 0 {
		kubeFatal("kubectl: no command given")
	}
	for _, arg := range args {
		if arg == "-" {
			io.Copy(io.Discard, os.Stdin)
		}
	}
	port := "6443"
	if isMinikube() {
		port = minikubePort
	}
	response, err := peers.Get("https://127.0.0.1:" + port + "/ping")
	if err != nil {
		kubeFatal("kubectl: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		kubeFatal("kubectl: %s", response.Status)
	}
	fmt.Println("stand-in: done")
}
