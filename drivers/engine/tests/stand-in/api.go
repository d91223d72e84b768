package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const arch = runtime.GOARCH

var silent = log.New(io.Discard, "", 0)

type object = map[string]any

// api is the part of the Kubernetes API that clients use to see whether a cluster is well.
func (n *node) api() http.Handler {
	mux := http.NewServeMux()

	// What nodes and the commands in the container use.
	inner := func(path string, serve func(w http.ResponseWriter, r *http.Request)) {
		mux.HandleFunc("/stand-in/v1/"+path, func(w http.ResponseWriter, r *http.Request) {
			got := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			if subtle.ConstantTimeCompare([]byte(got), []byte(n.token)) != 1 {
				http.Error(w, "stand-in: not the token of this cluster", http.StatusUnauthorized)
				return
			}
			serve(w, r)
		})
	}
	inner("join", func(w http.ResponseWriter, r *http.Request) { n.hear(w, r, true) })
	inner("heartbeat", func(w http.ResponseWriter, r *http.Request) { n.hear(w, r, false) })
	inner("schedulable", n.schedulable)

	// Open in the real one as well.
	mux.HandleFunc("/ping", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "pong") })
	mux.HandleFunc("/cacerts", func(w http.ResponseWriter, r *http.Request) { w.Write(n.serverCA.Certificate) })

	kube := http.NewServeMux()
	kube.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) { n.health(w, r, "readyz") })
	kube.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { n.health(w, r, "healthz") })
	kube.HandleFunc("/livez", func(w http.ResponseWriter, r *http.Request) { n.health(w, r, "livez") })
	kube.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) {
		part := strings.Split(strings.TrimPrefix(version(), "v"), ".")
		reply(w, http.StatusOK, object{
			"major": part[0], "minor": part[1], "gitVersion": version(),
			"gitCommit": strings.Repeat("0", 40), "gitTreeState": "clean",
			"buildDate": "2026-01-01T00:00:00Z", "goVersion": runtime.Version(), "compiler": "gc",
			"platform": "linux/" + arch,
		})
	})
	kube.HandleFunc("/api", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusOK, object{"kind": "APIVersions", "versions": []string{"v1"},
			"serverAddressByClientCIDRs": []object{{"clientCIDR": "0.0.0.0/0", "serverAddress": n.self.IP + ":" + n.port}}})
	})
	kube.HandleFunc("/apis", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusOK, object{"kind": "APIGroupList", "apiVersion": "v1", "groups": []object{}})
	})
	kube.HandleFunc("/api/v1", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusOK, object{"kind": "APIResourceList", "groupVersion": "v1", "resources": []object{
			{"name": "nodes", "singularName": "node", "namespaced": false, "kind": "Node",
				"verbs": []string{"delete", "get", "list", "watch"}, "shortNames": []string{"no"}},
			{"name": "namespaces", "singularName": "namespace", "namespaced": false, "kind": "Namespace",
				"verbs": []string{"get", "list"}, "shortNames": []string{"ns"}},
		}})
	})
	kube.HandleFunc("/api/v1/nodes", n.nodes)
	kube.HandleFunc("/api/v1/nodes/", n.nodes)
	kube.HandleFunc("/api/v1/namespaces", n.namespaces)
	kube.HandleFunc("/api/v1/namespaces/", n.namespaces)
	kube.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		failure(w, http.StatusNotFound, "NotFound", "stand-in: not served: "+r.URL.Path)
	})

	// Nobody is let in without a certificate, not even for /readyz: so does the real one of k3s. What
	// kubeadm makes lets anybody ask for health, and minikube does.
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.VerifiedChains) == 0 && !(n.minikube && r.URL.Path == "/healthz") {
			failure(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
			return
		}
		kube.ServeHTTP(w, r)
	})
	return mux
}

func reply(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(value)
}

func failure(w http.ResponseWriter, code int, reason, message string) {
	reply(w, code, object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Failure",
		"message": message, "reason": reason, "code": code})
}

func (n *node) hear(w http.ResponseWriter, r *http.Request, secrets bool) {
	var m member
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	if secrets && !n.etcd {
		// The real one keeps its data in a file of its own then, which no other server can share.
		http.Error(w, "stand-in: not started with --cluster-init", http.StatusBadRequest)
		return
	}
	old := n.members[m.Name]
	n.record(m)
	if old == nil || old.Unschedulable != m.Unschedulable {
		n.save()
	}
	answer := joined{Members: n.list(), Removed: n.removed}
	if secrets {
		answer.ClientCA, answer.ServerCA = n.clientCA, n.serverCA
	}
	reply(w, http.StatusOK, answer)
}

func (n *node) schedulable(w http.ResponseWriter, r *http.Request) {
	if failed := n.failing("readyz"); failed != "" {
		http.Error(w, "stand-in: not ready: "+failed, http.StatusServiceUnavailable)
		return
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	before := n.self.Unschedulable
	n.self.Unschedulable = r.FormValue("value") == "false"
	n.beat()
	if before == n.self.Unschedulable {
		fmt.Fprint(w, "already ")
		return
	}
	n.save()
}

// failing names the check that fails, if one does.
func (n *node) failing(kind string) string {
	n.lock.Lock()
	up := n.up
	n.lock.Unlock()
	switch {
	case kind == "livez":
		return ""
	case !n.majority():
		return "etcd"
	case switched("unready"):
		return "stand-in-told-so"
	case up.IsZero() || time.Since(up) < n.readyzAfter:
		return "poststarthook/rbac/bootstrap-roles"
	}
	return ""
}

func (n *node) health(w http.ResponseWriter, r *http.Request, kind string) {
	failed := n.failing(kind)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, verbose := r.URL.Query()["verbose"]; failed == "" && !verbose {
		fmt.Fprint(w, "ok")
		return
	}
	checks := []string{"ping", "log", "etcd", "poststarthook/rbac/bootstrap-roles"}
	if failed == "stand-in-told-so" {
		checks = append(checks, failed)
	}
	if failed != "" {
		w.WriteHeader(http.StatusInternalServerError)
	}
	for _, check := range checks {
		if check == failed {
			fmt.Fprintf(w, "[-]%s failed: reason withheld\n", check)
		} else {
			fmt.Fprintf(w, "[+]%s ok\n", check)
		}
	}
	if failed != "" {
		fmt.Fprintf(w, "%s check failed\n", kind)
	} else {
		fmt.Fprintf(w, "%s check passed\n", kind)
	}
}

// --- nodes ----------------------------------------------------------------------------------------

func uid(name string, created time.Time) string {
	sum := sha256.Sum256([]byte(name + created.String()))
	return fmt.Sprintf("%x-%x-4%x-8%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])[:36]
}

func (n *node) provider() string {
	if n.kind != nil {
		return "kind://docker/" + n.kind.Cluster + "/"
	}
	return "k3s://"
}

// render wants the lock held.
func (n *node) render(m *member) object {
	status, reason, message := "True", "KubeletReady", "kubelet is posting ready status"
	changed := m.changed
	switch {
	case time.Since(m.seen) >= grace:
		status, reason, message = "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."
		changed = m.seen.Add(grace)
	case !m.Ready || switched("unready"):
		status, reason, message = "False", "KubeletNotReady", "stand-in: not ready yet"
	}
	if m.seen.IsZero() {
		changed = n.started
	}
	spec := object{"podCIDR": "10.42.0.0/24", "providerID": n.provider() + m.Name}
	if m.Unschedulable {
		spec["unschedulable"] = true
	}
	now := time.Now().UTC().Format(time.RFC3339)
	return object{
		"metadata": object{
			"name": m.Name, "uid": uid(m.Name, m.Created), "labels": m.Labels,
			"creationTimestamp": m.Created.UTC().Format(time.RFC3339),
			"resourceVersion":   strconv.FormatInt(m.changed.UnixMilli(), 10),
		},
		"spec": spec,
		"status": object{
			"addresses": []object{{"type": "InternalIP", "address": m.IP}, {"type": "Hostname", "address": m.Name}},
			"conditions": []object{{"type": "Ready", "status": status, "reason": reason, "message": message,
				"lastHeartbeatTime": now, "lastTransitionTime": changed.UTC().Format(time.RFC3339)}},
			"nodeInfo": object{"kubeletVersion": m.Version, "kubeProxyVersion": m.Version,
				"containerRuntimeVersion": "stand-in://0", "osImage": "stand-in", "kernelVersion": "stand-in",
				"operatingSystem": "linux", "architecture": arch, "machineID": "", "systemUUID": "", "bootID": ""},
		},
	}
}

func (n *node) rendered(name string) []object {
	n.lock.Lock()
	defer n.lock.Unlock()
	result := []object{}
	for _, m := range n.list() {
		m := m
		if name == "" || name == m.Name {
			result = append(result, n.render(&m))
		}
	}
	return result
}

func (n *node) nodes(w http.ResponseWriter, r *http.Request) {
	if !n.majority() {
		failure(w, http.StatusInternalServerError, "InternalError", "etcdserver: request timed out")
		return
	}
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/v1/nodes"), "/")
	single := name != ""
	if selector := r.FormValue("fieldSelector"); !single && strings.HasPrefix(selector, "metadata.name=") {
		name = strings.TrimPrefix(selector, "metadata.name=")
	}
	if watch := r.FormValue("watch"); watch == "true" || watch == "1" {
		n.watch(w, r, name)
		return
	}
	items := n.rendered(name)
	if single && len(items) == 0 {
		failure(w, http.StatusNotFound, "NotFound", fmt.Sprintf("nodes %q not found", name))
		return
	}
	switch {
	case r.Method == "DELETE" && single:
		n.lock.Lock()
		delete(n.members, name)
		n.removed[name] = time.Now()
		n.save()
		n.lock.Unlock()
		reply(w, http.StatusOK, object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Success"})
	case r.Method != "GET":
		failure(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "stand-in: nodes can only be read and deleted")
	case wantsTable(r):
		reply(w, http.StatusOK, nodeTable(items))
	case single:
		reply(w, http.StatusOK, typed("Node", items[0]))
	default:
		reply(w, http.StatusOK, list("NodeList", items))
	}
}

// watch compares, for want of events. It begins by naming every node, which clients put up with and
// which saves remembering what they were told before.
func (n *node) watch(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Content-Type", "application/json")
	deadline := time.Now().Add(30 * time.Minute)
	if seconds, err := strconv.Atoi(r.FormValue("timeoutSeconds")); err == nil {
		deadline = time.Now().Add(time.Duration(seconds) * time.Second)
	}
	version := r.FormValue("resourceVersion")
	fresh := version == "" || version == "0"
	told := map[string]string{}
	for ; time.Now().Before(deadline) && r.Context().Err() == nil; time.Sleep(200 * time.Millisecond) {
		there := map[string]bool{}
		for _, item := range n.rendered(name) {
			node := item["metadata"].(object)["name"].(string)
			there[node] = true
			condition := item["status"].(object)["conditions"].([]object)[0]
			state := fmt.Sprint(condition["status"], condition["reason"], item["spec"])
			if told[node] == state {
				continue
			}
			kind := "MODIFIED"
			if told[node] == "" && fresh {
				kind = "ADDED"
			}
			told[node] = state
			var value any = typed("Node", item)
			if wantsTable(r) {
				value = nodeTable([]object{item})
			}
			json.NewEncoder(w).Encode(object{"type": kind, "object": value})
		}
		for node := range told {
			if !there[node] {
				delete(told, node)
				json.NewEncoder(w).Encode(object{"type": "DELETED", "object": typed("Node", object{"metadata": object{"name": node}})})
			}
		}
		w.(http.Flusher).Flush()
	}
}

func (n *node) namespaces(w http.ResponseWriter, r *http.Request) {
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces"), "/")
	items := []object{}
	for _, each := range []string{"default", "kube-node-lease", "kube-public", "kube-system"} {
		if name == "" || name == each {
			items = append(items, object{
				"metadata": object{"name": each, "uid": uid(each, n.self.Created), "resourceVersion": "1",
					"creationTimestamp": n.self.Created.UTC().Format(time.RFC3339)},
				"spec":   object{"finalizers": []string{"kubernetes"}},
				"status": object{"phase": "Active"},
			})
		}
	}
	switch {
	case r.Method != "GET":
		failure(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "stand-in: namespaces can only be read")
	case len(items) == 0:
		failure(w, http.StatusNotFound, "NotFound", "stand-in: not served: "+r.URL.Path)
	case wantsTable(r):
		rows := []object{}
		for _, item := range items {
			rows = append(rows, row(item, item["metadata"].(object)["name"], "Active", age(n.self.Created)))
		}
		reply(w, http.StatusOK, table([]string{"Name", "Status", "Age"}, rows))
	case name != "":
		reply(w, http.StatusOK, typed("Namespace", items[0]))
	default:
		reply(w, http.StatusOK, list("NamespaceList", items))
	}
}

func typed(kind string, item object) object {
	item["kind"], item["apiVersion"] = kind, "v1"
	return item
}

func list(kind string, items []object) object {
	return object{"kind": kind, "apiVersion": "v1", "items": items,
		"metadata": object{"resourceVersion": strconv.FormatInt(time.Now().UnixMilli(), 10)}}
}

// wantsTable: kubectl leaves the columns of what it prints to the server.
func wantsTable(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), "application/json;as=Table;v=v1;")
}

func table(columns []string, rows []object) object {
	definitions := []object{}
	for i, column := range columns {
		priority := 0
		if i >= 5 {
			priority = 1 // only with -o wide
		}
		definition := object{"name": column, "type": "string", "format": "", "description": "", "priority": priority}
		if i == 0 {
			definition["format"] = "name"
		}
		definitions = append(definitions, definition)
	}
	return object{"kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": rows, "columnDefinitions": definitions,
		"metadata": object{"resourceVersion": strconv.FormatInt(time.Now().UnixMilli(), 10)}}
}

func row(item object, cells ...any) object {
	return object{"cells": cells, "object": object{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
		"metadata": item["metadata"]}}
}

func nodeTable(items []object) object {
	rows := []object{}
	for _, item := range items {
		metadata, status := item["metadata"].(object), item["status"].(object)
		state := "NotReady"
		if status["conditions"].([]object)[0]["status"] == "True" {
			state = "Ready"
		}
		if item["spec"].(object)["unschedulable"] == true {
			state += ",SchedulingDisabled"
		}
		roles := []string{}
		for _, role := range []string{"control-plane", "etcd"} {
			if _, is := metadata["labels"].(map[string]string)["node-role.kubernetes.io/"+role]; is {
				roles = append(roles, role)
			}
		}
		if len(roles) == 0 {
			roles = append(roles, "<none>")
		}
		created, _ := time.Parse(time.RFC3339, metadata["creationTimestamp"].(string))
		info := status["nodeInfo"].(object)
		rows = append(rows, row(item, metadata["name"], state, strings.Join(roles, ","), age(created),
			info["kubeletVersion"], status["addresses"].([]object)[0]["address"], "<none>",
			info["osImage"], info["kernelVersion"], info["containerRuntimeVersion"]))
	}
	return table([]string{"Name", "Status", "Roles", "Age", "Version", "Internal-IP", "External-IP", "OS-Image",
		"Kernel-Version", "Container-Runtime"}, rows)
}

func age(since time.Time) string {
	d := time.Since(since)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	default:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
}

// --- kubectl in the container ---------------------------------------------------------------------

// kubectl knows what k3d's own script in a node asks for: before the end and after the start.
func kubectl(args []string) {
	complain := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "stand-in: "+format+"\n", args...)
		os.Exit(1)
	}
	if len(args) < 2 || args[0] != "uncordon" && args[0] != "drain" {
		complain("kubectl in a node only knows uncordon and drain")
	}
	token, err := os.ReadFile(filepath.Join(data, "token"))
	if err != nil {
		complain("kubectl: the server is not up: %v", err)
	}
	value, done := "true", "uncordoned"
	if args[0] == "drain" {
		value, done = "false", "drained"
	}
	port := "6443"
	if text, err := os.ReadFile(filepath.Join(data, "port")); err == nil {
		port = string(text)
	}
	request := must(http.NewRequest("POST", "https://127.0.0.1:"+port+"/stand-in/v1/schedulable?value="+value, nil))
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	response, err := peers.Do(request)
	if err != nil {
		complain("kubectl: %v", err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		complain("kubectl: %s", strings.TrimSpace(string(text)))
	}
	fmt.Printf("stand-in: node/%s %s%s\n", args[1], text, done)
}
