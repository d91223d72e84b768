package main

import (
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// What stands in for the envoy before several control planes of kind's. kind writes two files, and
// envoy looks at them again only when another file is moved there, not when they are written to.

var (
	address = regexp.MustCompile(`address: "?([^"\s]+)"?\s+port_value: (\d+)`)
	dynamic = regexp.MustCompile(`path: "?(\S+\.yaml)"?`)
)

func envoy(args []string) {
	if len(args) != 2 || args[0] != "-c" {
		fatal("envoy: -c FILE")
	}
	obeySignals()
	paths := dynamic.FindAllStringSubmatch(string(must(os.ReadFile(args[1]))), -1)
	if len(paths) != 2 {
		fatal("envoy: %s: names no files of clusters and listeners", args[1])
	}
	clusters, listeners := paths[0][1], paths[1][1]
	moved := movesInto(filepath.Dir(clusters))
	stop := func() {}
	for {
		stop()
		stop = serve(upstreamsOf(clusters, listeners))
		nginxLog("info", "all dependencies initialized. starting workers")
		moved()
	}
}

func upstreamsOf(clusters, listeners string) []upstream {
	read := func(path string) [][]string {
		return address.FindAllStringSubmatch(string(must(os.ReadFile(path))), -1)
	}
	servers := []string{}
	for _, server := range read(clusters) {
		servers = append(servers, server[1]+":"+server[2])
	}
	result := []upstream{}
	for _, listener := range read(listeners) {
		result = append(result, upstream{port: listener[2], protocol: "tcp", servers: servers})
	}
	return result
}

// movesInto waits until something is moved into a folder.
func movesInto(folder string) func() {
	watch := must(syscall.InotifyInit1(syscall.IN_CLOEXEC))
	must(syscall.InotifyAddWatch(watch, folder, syscall.IN_MOVED_TO))
	return func() {
		must(syscall.Read(watch, make([]byte, 4096)))
		// The two files come one after the other.
		time.Sleep(100 * time.Millisecond)
	}
}
