package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// What stands in for minikube's kicbase: the first process of the node, and the commands that
// minikube runs in it over SSH. minikube makes the certificates, so they are taken from where it
// puts them.

const (
	minikubeConf  = "/var/tmp/minikube/kubeadm.yaml"
	minikubeCerts = "/var/lib/minikube/certs"
	minikubePort  = "8443"
	// In the volume, so that a node that is stopped knows what it was.
	minikubeJob = "/var/lib/stand-in/job.json"
	kubeletRuns = "/run/active/kubelet"
)

func isMinikube() bool {
	_, err := os.Stat("/minikube")
	return err == nil
}

// minikubeNode is the first process of a node: it lets minikube in, and is the Kubernetes in it as
// long as minikube says that kubelet is to run.
func minikubeNode() {
	if switched("crash") {
		fatal("told to crash")
	}
	obeySignals()
	data, agentData = "/var/lib/stand-in", "/var/lib/stand-in"
	os.Remove(joinedFile)
	// minikube waits for it to appear, and never uses it itself.
	writeFile("/run/containerd/containerd.sock", nil)
	must(0, os.MkdirAll("/run/sshd", 0o755))
	ssh := exec.Command("/usr/sbin/sshd", "-D", "-e")
	ssh.Stdout, ssh.Stderr = os.Stdout, os.Stderr
	if err := ssh.Start(); err != nil {
		fatal("sshd: %v", err)
	}
	logf("detected IPv4 address: %s", ownIP())
	for ; ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(kubeletRuns); err != nil {
			continue
		}
		if j, err := readJob(minikubeJob); err == nil {
			n := newKindNode(j)
			n.port, n.self.Port = minikubePort, minikubePort
			n.minikube = true
			if j.Server {
				n.clientCA = authority{
					must(os.ReadFile(filepath.Join(minikubeCerts, "ca.crt"))),
					must(os.ReadFile(filepath.Join(minikubeCerts, "ca.key"))),
				}
				n.serverCA = n.clientCA
			}
			n.run()
			return
		}
	}
}

// minikubeKubeadm does init, join, and `token create`, and takes everything else for done.
func minikubeKubeadm(args []string) {
	switch {
	case len(args) > 1 && args[0] == "init" && args[1] != "phase":
		j := job{First: true, Server: true, Cluster: "minikube", Token: "stand-in", Gates: map[string]bool{},
			Endpoint: "control-plane.minikube.internal:" + minikubePort}
		conf, err := os.ReadFile(minikubeConf)
		if err != nil {
			kubeFatal("%v", err)
		}
		for _, match := range gate.FindAllStringSubmatch(string(conf), -1) {
			j.Gates[match[1]] = true
		}
		if j.Gates["StandInCrashes"] {
			kubeFatal("error execution phase wait-control-plane: told to crash")
		}
		bootNode(j)
	case len(args) > 1 && args[0] == "join":
		j := job{Endpoint: args[1], Token: "stand-in", Gates: map[string]bool{}}
		bootNode(j)
	case len(args) > 1 && args[0] == "token" && args[1] == "create":
		fmt.Println("kubeadm join control-plane.minikube.internal:" + minikubePort + " --token stand-in")
	default:
		fmt.Println("stand-in: done")
	}
}

// bootNode leaves the job for the first process, and waits until it is done.
func bootNode(j job) {
	fmt.Println("[certs] Using certificateDir folder \"" + minikubeCerts + "\"")
	writeFile(minikubeJob, must(json.Marshal(j)))
	writeFile(kubeletRuns, nil)
	fmt.Println("[control-plane] Using manifest folder \"/etc/kubernetes/manifests\"")
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(joinedFile); err == nil {
			fmt.Println("[bootstrap-token] stand-in: the node runs")
			return
		}
	}
	kubeFatal("error execution phase wait-control-plane: timed out waiting for the condition")
}
