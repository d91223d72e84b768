// A driver for caproni in Go, with nothing but the standard library. Build it with
// `go build -o caproni-driver-go`.
//
// Its clusters are folders. Where it calls work, a real driver would run its backend. One goroutine
// reads stdin, so that `cancel` and the end of stdin are heard while the other one works. The rules
// in brackets are those of protocol.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	name        = "go"
	version     = "1.0.0"
	longestLine = 4 * 1024 * 1024
	timePerNode = 100 * time.Millisecond
	folderHint  = "make the folder writable, or name another one in CAPRONI_STATE_DIR"

	codeCancelled = 1015
	codeTimedOut  = 1016
)

const schema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"servers": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1, "x-caproni-change": "recreate",
			"description": "How many nodes run the control plane"},
		"labels": {"type": "object", "additionalProperties": {"type": "string"}, "default": {}, "x-caproni-change": "live",
			"description": "Labels of the cluster"}
	}
}`

// The JSON objects of the protocol.
type object map[string]any

// failure is what goes into the `error` of a reply.
type failure struct {
	code    int
	message string
	data    object
}

func (f *failure) Error() string { return f.message }

// failed makes an error of one of the protocol's kinds; more goes into its `data`.
func failed(code int, kind, message string, more object) *failure {
	data := object{"kind": kind}
	for key, value := range more {
		data[key] = value
	}
	return &failure{code, message, data}
}

// refused makes an error about the message itself, with one of JSON-RPC's own codes ([FRAME-11]).
func refused(code int, message string) *failure { return &failure{code: code, message: message} }

// --- The wire --------------------------------------------------------------------------------------

// The protocol's: os.Stdout is pointed at stderr below, so that what anyone prints goes there.
var wire = os.Stdout

func main() {
	if isTerminal(os.Stdin) {
		fmt.Printf("caproni-driver-%s %s: a driver for caproni, which runs it\n", name, version)
		return
	}
	os.Stdout = os.Stderr
	// Without this a host that is gone would end the process by its first write, with no rollback.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	inbox := make(chan *request, 16)
	go read(inbox)
	for request := range inbox {
		send(request.answer())
	}
}

func isTerminal(file *os.File) bool {
	is, err := file.Stat()
	null, _ := os.Stat(os.DevNull)
	return err == nil && is.Mode()&os.ModeCharDevice != 0 && !os.SameFile(is, null)
}

func send(message object) {
	message["jsonrpc"] = "2.0"
	var line bytes.Buffer
	encoder := json.NewEncoder(&line) // it ends the line too
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(message); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	wire.Write(line.Bytes()) // a host that is gone has closed stdin too
}

func read(inbox chan<- *request) {
	var latest *request
	// No bufio.Scanner: that one stops at a line of 64 KiB.
	stdin := bufio.NewReader(os.Stdin)
	for {
		line, err := stdin.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			request := newRequest(line)
			if request.id == nil && request.refused == nil { // a notification
				if request.method == "cancel" && latest != nil {
					latest.cancel() // of a request that is answered already it is ignored
				}
			} else {
				latest = request
				inbox <- request
			}
		}
		if err != nil {
			break
		}
	}
	if latest != nil {
		latest.cancel() // the end of stdin ends what runs ([LIFE-5])
	}
	close(inbox)
}

// request is a line of the host, and what its method needs to answer it.
type request struct {
	id      any
	method  string
	params  params
	refused *failure
	ended   context.Context
	cancel  context.CancelFunc
}

// params are nil where they are absent.
type params struct {
	protocolVersions []json.Number
	profile, node    *string
	config           map[string]json.RawMessage
	timeoutMs, tail  *uint64
	argv             []string
	tty, follow      bool
}

func newRequest(line []byte) *request {
	r := &request{}
	r.ended, r.cancel = context.WithCancel(context.Background())
	r.refused = r.understand(line)
	return r
}

// understand takes a message apart by maps: Go's structs would take `ID` for `id` too.
func (r *request) understand(line []byte) *failure {
	if len(line) > longestLine {
		return refused(-32600, "the line is longer than 4 MiB")
	}
	if !utf8.Valid(line) || !json.Valid(line) {
		return refused(-32700, "the line is not JSON")
	}
	var message map[string]json.RawMessage
	if json.Unmarshal(line, &message) != nil || message == nil {
		return refused(-32600, "a message is an object")
	}
	var ok bool
	if r.id, ok = readID(message["id"]); !ok {
		return refused(-32600, "an id is a whole number or a string")
	}
	var jsonrpc string
	var method *string
	err := fill(message, object{"jsonrpc": &jsonrpc, "method": &method})
	if err != nil || jsonrpc != "2.0" || method == nil {
		return refused(-32600, "it is no request")
	}
	r.method = *method
	if r.id == nil || methods[r.method] == nil {
		return nil
	}
	return r.readParams(message["params"])
}

// readID keeps a number's digits as they came ([FRAME-6]).
func readID(raw json.RawMessage) (any, bool) {
	var text string
	switch {
	case raw == nil || string(raw) == "null":
		return nil, true
	case regexp.MustCompile("^[0-9]+$").Match(raw):
		return raw, true
	case json.Unmarshal(raw, &text) == nil:
		return text, true
	}
	return nil, false
}

func (r *request) readParams(raw json.RawMessage) *failure {
	fields := map[string]json.RawMessage{}
	if raw != nil && json.Unmarshal(raw, &fields) != nil {
		return refused(-32602, "params is an object")
	}
	p := &r.params
	into := object{"protocolVersions": &p.protocolVersions, "profile": &p.profile, "timeoutMs": &p.timeoutMs,
		"node": &p.node, "argv": &p.argv, "tty": &p.tty, "follow": &p.follow, "tail": &p.tail}
	if r.method == "start" {
		// Only here: a wrong one must not keep a cluster from being destroyed ([DESTROY-2]).
		into["config"] = &p.config
	}
	if err := fill(fields, into); err != nil {
		return refused(-32602, err.Error())
	}
	needsProfile := r.method != "initialize" && r.method != "list" && r.method != "diagnose"
	switch {
	case needsProfile && p.profile == nil:
		return refused(-32602, "`profile` is missing")
	case r.method == "start" && p.config == nil:
		return refused(-32602, "`config` is missing")
	case r.method == "initialize" && p.protocolVersions == nil:
		return refused(-32602, "`protocolVersions` is missing")
	}
	if p.timeoutMs != nil && *p.timeoutMs < 1<<40 { // and not in thirty years
		r.ended, r.cancel = context.WithTimeout(r.ended, time.Duration(*p.timeoutMs)*time.Millisecond)
	}
	return nil
}

// fill reads the fields that are there into variables; null is as good as absent ([FRAME-5]).
func fill(fields map[string]json.RawMessage, into object) error {
	for name, variable := range into {
		if raw, given := fields[name]; given && json.Unmarshal(raw, variable) != nil {
			return fmt.Errorf("`%s` has a wrong type", name)
		}
	}
	return nil
}

func (r *request) answer() (reply object) {
	// A fault of ours ends the request and never the driver ([ERR-3]).
	defer func() {
		if fault := recover(); fault != nil {
			reply = r.failure(refused(-32603, oneLine(fmt.Sprint("a fault of the driver: ", fault))))
		}
	}()
	if r.refused != nil {
		return r.failure(r.refused)
	}
	do := methods[r.method]
	if do == nil {
		return r.failure(refused(-32601, fmt.Sprintf("no method `%s`", oneLine(r.method))))
	}
	if p := r.params.profile; p != nil && !regexp.MustCompile("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$").MatchString(*p) {
		return r.failure(failed(1007, "InvalidDriverConfig", fmt.Sprintf("`%s` is no name of a cluster", oneLine(*p)),
			object{"hint": "use 1 to 63 of a-z, 0-9 and -, and no - at either end"}))
	}
	result, err := do(r)
	if err != nil {
		return r.failure(err)
	}
	return object{"id": r.id, "result": result}
}

func (r *request) failure(err error) object {
	var f *failure
	if !errors.As(err, &f) {
		// Everything that can fail here is a file.
		f = failed(1013, "PermissionDenied", oneLine(err.Error()), object{"hint": folderHint})
	}
	told := object{"code": f.code, "message": f.message}
	if f.data != nil {
		told["data"] = f.data
	}
	if f.code == codeCancelled || f.code == codeTimedOut {
		if left, err := statusOf(*r.params.profile); err == nil {
			f.data["state"] = left["state"] // ([CANCEL-2])
		}
	}
	return object{"id": r.id, "error": told}
}

func progress(step, message string, more object) {
	params := object{"step": step, "message": message}
	for key, value := range more {
		params[key] = value
	}
	send(object{"method": "progress", "params": params})
}

// work stands for the backend's work; it ends early when the request has to.
func (r *request) work(took time.Duration) error {
	select {
	case <-time.After(took):
		return nil
	case <-r.ended.Done():
	}
	if errors.Is(r.ended.Err(), context.Canceled) {
		return failed(codeCancelled, "Cancelled", "cancelled", nil)
	}
	ms := *r.params.timeoutMs
	return failed(codeTimedOut, "TimedOut", fmt.Sprintf("`%s` took longer than %d ms", r.method, ms), object{"waitedMs": ms})
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// --- The methods -----------------------------------------------------------------------------------

var methods map[string]func(*request) (object, error)

func init() {
	methods = map[string]func(*request) (object, error){
		"initialize": initialize, "start": locked(start), "stop": locked(stop), "destroy": locked(destroy),
		"status": status, "list": list, "exec": execPlan, "logs": logsPlan, "diagnose": diagnose,
	}
}

func initialize(r *request) (object, error) {
	for _, offered := range r.params.protocolVersions {
		if offered == "1" {
			capabilities := object{"methods": []string{"list", "exec", "logs", "diagnose"}, "features": []string{"cancel"}}
			return object{"protocolVersion": 1, "name": name, "version": version, "capabilities": capabilities,
				"configSchema": json.RawMessage(schema)}, nil
		}
	}
	return nil, failed(1018, "UnsupportedProtocolVersion", "driver `"+name+"` speaks protocol version 1 only",
		object{"supported": []int{1}})
}

func start(r *request) (object, error) {
	profile := *r.params.profile
	wanted, err := completed(r.params.config)
	if err != nil {
		return nil, err
	}
	was, err := lookUp(profile)
	if err != nil {
		return nil, err
	}
	if was == nil {
		return create(r, wanted)
	}
	diff := differences(was.Config, wanted)
	for _, difference := range diff {
		if difference["change"] != "live" {
			message := fmt.Sprintf("cluster `%s` exists with another config", profile)
			return nil, failed(1003, "ConfigMismatch", message, object{"diff": diff})
		}
	}
	if was.Runs && len(diff) == 0 {
		return object{"change": "none"}, nil
	}
	if was.Runs {
		return object{"change": "updated"}, keep(profile, cluster{Runs: true, Config: wanted})
	}
	for _, node := range nodes(profile, wanted) {
		progress("start", fmt.Sprintf("starting node `%s`", node), nil)
		if err := r.work(timePerNode); err != nil {
			return nil, err
		}
		if err := log(profile, node, "started"); err != nil {
			return nil, err
		}
	}
	return object{"change": "started"}, keep(profile, cluster{Runs: true, Config: wanted})
}

// create makes a cluster where none is, or half a one ([START-4]); one that fails is taken back ([START-5]).
func create(r *request, config config) (object, error) {
	profile := *r.params.profile
	if _, err := remove(profile); err != nil {
		return nil, err
	}
	err := createNodes(r, profile, config)
	if err == nil {
		return object{"change": "created"}, nil
	}
	progress("rollback", fmt.Sprintf("removing what was made of `%s`", profile), nil)
	if _, left := remove(profile); left != nil {
		fmt.Fprintln(os.Stderr, "rollback:", left) // the next status tells it too
	}
	return nil, err
}

func createNodes(r *request, profile string, config config) error {
	if err := os.MkdirAll(folderOf(profile), 0o777); err != nil {
		return err
	}
	names := nodes(profile, config)
	for number, node := range names {
		progress("create", fmt.Sprintf("creating node `%s`", node), object{"current": number, "total": len(names)})
		if err := r.work(timePerNode); err != nil {
			return err
		}
		if err := log(profile, node, "created"); err != nil {
			return err
		}
	}
	// The last thing: without it there is half a cluster.
	return keep(profile, cluster{Runs: true, Config: config})
}

func stop(r *request) (object, error) {
	profile := *r.params.profile
	was, err := lookUp(profile)
	if err != nil || was == nil || !was.Runs {
		return object{"change": "none"}, err
	}
	progress("stop", fmt.Sprintf("stopping `%s`", profile), nil)
	if err := r.work(timePerNode); err != nil {
		return nil, err
	}
	for _, node := range nodes(profile, was.Config) {
		if err := log(profile, node, "stopped"); err != nil {
			return nil, err
		}
	}
	return object{"change": "stopped"}, keep(profile, cluster{Runs: false, Config: was.Config})
}

func destroy(r *request) (object, error) {
	there, err := remove(*r.params.profile)
	if !there {
		return object{"change": "none"}, err
	}
	return object{"change": "destroyed"}, err
}

func status(r *request) (object, error) { return statusOf(*r.params.profile) }

func statusOf(profile string) (object, error) {
	is, err := lookUp(profile)
	if err != nil {
		return nil, err
	}
	if is == nil && exists(folderOf(profile)) {
		half := object{"name": "creation", "ok": false, "message": "it is not finished", "hint": "run `caproni start`"}
		return object{"state": "not-ready", "exists": true, "driver": name, "conditions": []object{half}}, nil
	}
	if is == nil {
		return object{"state": "stopped", "exists": false, "driver": name}, nil
	}
	state, ofNodes := "stopped", "stopped"
	if is.Runs {
		state, ofNodes = "ready", "running"
	}
	told := []object{}
	for _, node := range nodes(profile, is.Config) {
		told = append(told, object{"name": node, "role": "server", "state": ofNodes})
	}
	return object{"state": state, "exists": true, "driver": name, "config": is.Config, "nodes": told}, nil
}

func list(*request) (object, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	clusters := []object{} // a nil slice would be written as `null`
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		is, err := statusOf(entry.Name())
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, object{"profile": entry.Name(), "state": is["state"]})
	}
	return object{"clusters": clusters}, nil
}

func execPlan(r *request) (object, error) {
	node, err := nodeOf(r)
	if err != nil {
		return nil, err
	}
	if is, err := lookUp(*r.params.profile); err != nil || !is.Runs {
		return nil, notRunning(*r.params.profile)
	}
	argv := r.params.argv
	if len(argv) == 0 {
		argv = []string{"sh"}
	}
	// Each string of argv stays one argument ([EXEC-1]): the shell's line is fixed. There is no node
	// to enter, so the command runs here and finds the node's name in NODE.
	plan := append([]string{"sh", "-c", `exec "$@"`, "sh"}, argv...)
	return object{"argv": plan, "env": object{"NODE": node}}, nil
}

func logsPlan(r *request) (object, error) {
	node, err := nodeOf(r)
	if err != nil {
		return nil, err
	}
	argv := []string{"tail", "-n", "+1"}
	if r.params.tail != nil {
		argv[2] = fmt.Sprint(*r.params.tail)
	}
	if r.params.follow {
		argv = append(argv, "-f")
	}
	return object{"argv": append(argv, filepath.Join(folderOf(*r.params.profile), node+".log"))}, nil
}

func diagnose(r *request) (object, error) {
	there := folder
	for !exists(there) {
		there = filepath.Dir(there)
	}
	check := object{"name": "folder", "verdict": "ok", "message": fmt.Sprintf("clusters are kept in `%s`", folder)}
	const writable = 2
	if syscall.Access(there, writable) != nil {
		message := fmt.Sprintf("`%s` cannot be written", there)
		check = object{"name": "folder", "verdict": "failed", "message": message, "hint": folderHint}
	}
	checks := []object{check}
	if r.params.profile != nil {
		is, _ := statusOf(*r.params.profile) // what cannot be read is told above
		conditions, _ := is["conditions"].([]object)
		for _, is := range conditions {
			checks = append(checks, object{"name": is["name"], "verdict": "warning", "message": is["message"], "hint": is["hint"]})
		}
	}
	return object{"checks": checks}, nil
}

// --- The config ------------------------------------------------------------------------------------

type config struct {
	Servers int               `json:"servers"`
	Labels  map[string]string `json:"labels"`
}

// completed reads a config. The host fills in the defaults too; one by hand may lack them ([CONF-3]).
func completed(fields map[string]json.RawMessage) (config, error) {
	read := config{Servers: 1}
	if err := fill(fields, object{"servers": &read.Servers, "labels": &read.Labels}); err != nil {
		return read, failed(1007, "InvalidDriverConfig", err.Error(), nil)
	}
	if read.Labels == nil {
		read.Labels = map[string]string{}
	}
	return read, nil
}

func differences(running, requested config) []object {
	diff := []object{}
	if running.Servers != requested.Servers {
		diff = append(diff, object{"path": "servers", "running": running.Servers, "requested": requested.Servers,
			"change": "recreate"})
	}
	if !reflect.DeepEqual(running.Labels, requested.Labels) {
		diff = append(diff, object{"path": "labels", "running": running.Labels, "requested": requested.Labels,
			"change": "live"})
	}
	return diff
}

// --- The clusters ----------------------------------------------------------------------------------

// cluster is what is kept of one, in its folder.
type cluster struct {
	Runs   bool   `json:"runs"`
	Config config `json:"config"`
}

var folder = stateFolder()

// stateFolder is not in the home, which may be unset ([LIFE-11]).
func stateFolder() string {
	base := os.Getenv("CAPRONI_STATE_DIR")
	if base == "" {
		base = filepath.Join(os.TempDir(), fmt.Sprintf("caproni-%d", os.Getuid()))
	}
	if absolute, err := filepath.Abs(base); err == nil {
		base = absolute
	}
	return filepath.Join(base, name)
}

func folderOf(profile string) string { return filepath.Join(folder, profile) }

func fileOf(profile string) string { return filepath.Join(folderOf(profile), "cluster.json") }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lookUp gives what is kept of a cluster; nil for none, and for half a one.
func lookUp(profile string) (*cluster, error) {
	text, err := os.ReadFile(fileOf(profile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var is cluster
	if json.Unmarshal(text, &is) != nil {
		return nil, nil
	}
	return &is, nil
}

// keep writes in one step, so that `status` never reads half a file.
func keep(profile string, is cluster) error {
	text, err := json.Marshal(is)
	if err != nil {
		return err
	}
	if err := os.WriteFile(fileOf(profile)+".new", text, 0o666); err != nil {
		return err
	}
	return os.Rename(fileOf(profile)+".new", fileOf(profile))
}

// remove removes a cluster, or half a one; it tells whether there was any.
func remove(profile string) (bool, error) {
	if !exists(folderOf(profile)) {
		return false, nil
	}
	// Killed after this, it is half a cluster.
	if err := os.Remove(fileOf(profile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, err
	}
	return true, os.RemoveAll(folderOf(profile))
}

func nodes(profile string, config config) []string {
	names := []string{}
	for number := 0; number < config.Servers; number++ {
		names = append(names, fmt.Sprintf("%s-server-%d", profile, number))
	}
	return names
}

// nodeOf is the node that is asked for, without one the first server ([EXEC-2]).
func nodeOf(r *request) (string, error) {
	profile := *r.params.profile
	is, err := lookUp(profile)
	if err != nil {
		return "", err
	}
	if is == nil {
		return "", notRunning(profile)
	}
	names := nodes(profile, is.Config)
	if r.params.node == nil {
		return names[0], nil
	}
	for _, name := range names {
		if name == *r.params.node {
			return name, nil
		}
	}
	message := fmt.Sprintf("cluster `%s` has no node `%s`", profile, oneLine(*r.params.node))
	return "", failed(1020, "NotFound", message, object{"resource": *r.params.node})
}

func notRunning(profile string) error {
	return failed(1001, "ClusterNotRunning", fmt.Sprintf("cluster `%s` is not running", profile), nil)
}

func log(profile, node, event string) error {
	path := filepath.Join(folderOf(profile), node+".log")
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	fmt.Fprintf(file, "%s at %s\n", event, time.Now().Format("15:04:05"))
	return file.Close()
}

// locked lets one change at a time through: the file lock is gone when this process is, however that
// ends ([CALL-5]).
func locked(change func(*request) (object, error)) func(*request) (object, error) {
	return func(r *request) (object, error) {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return nil, err
		}
		file, err := os.OpenFile(folderOf(*r.params.profile)+".lock", os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		for told := false; syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil; told = true {
			if !told {
				progress("wait", "waiting for another process", nil)
			}
			if err := r.work(timePerNode); err != nil {
				return nil, busy(r, err)
			}
		}
		return change(r)
	}
}

func busy(r *request, ended error) error {
	var f *failure
	if errors.As(ended, &f) && f.code == codeTimedOut {
		message := fmt.Sprintf("cluster `%s` is being changed by another process", *r.params.profile)
		return failed(1019, "Busy", message, object{"waitedMs": *r.params.timeoutMs})
	}
	return ended
}
