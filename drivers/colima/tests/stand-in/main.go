// A virtual machine without one, for tests of the colima driver where nothing can be virtualized:
// the real colima and the real limactl work with it as they do with lima's own.
//
// One binary, by the name it is called by:
//
//	limactl  hands everything to the real limactl beside it, but for what would boot a machine
//	         (`start`) or copy into one over the network (`copy`)
//	ssh      runs what the real limactl wants to run in the machine, in the machine's folder
//
// The machine is a folder in which commands run as root of a user namespace, with a host name of
// their own. See README.md for what it is not.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	switch {
	case name == "ssh":
		ssh(args)
	case len(args) > 0 && args[0] == "stand-in-machine":
		machine(args[1])
	case len(args) > 0 && args[0] == "stand-in-init":
		guestInit(args[1], args[2:])
	case name == "limactl":
		limactl(args)
	default:
		fatal("not known by the name %q", name)
	}
}

func fatal(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "stand-in: "+format+"\n", args...)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fatal("%v", err)
	}
}

// hang does nothing for ever; with an empty select Go would find that nobody can go on, and end.
func hang() {
	for {
		time.Sleep(time.Hour)
	}
}

// own is the folder that the stand-in was built into.
func own() string {
	exe, err := os.Executable()
	check(err)
	exe, err = filepath.EvalSymlinks(exe)
	check(err)
	return filepath.Dir(filepath.Dir(exe))
}

func real() string { return filepath.Join(own(), "lima/bin/limactl") }

// environment makes the real limactl find our ssh.
func environment() []string {
	check(os.Setenv("PATH", filepath.Join(own(), "net")+":"+os.Getenv("PATH")))
	return os.Environ()
}

func limactl(args []string) {
	words := positional(args)
	if len(words) == 0 {
		handOver(args)
	}
	switch words[0] {
	case "start":
		start(words[1:])
	case "copy":
		copyInto(words[1:])
	default:
		refuse(words[0])
		handOver(args)
	}
}

func handOver(args []string) {
	check(syscall.Exec(real(), append([]string{real()}, args...), environment()))
}

// positional are the arguments that are no flags; none of colima's flags has its value apart.
func positional(args []string) (words []string) {
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			words = append(words, arg)
		}
	}
	return words
}

func limaHome() string { return os.Getenv("LIMA_HOME") }

func instance(name string) string { return filepath.Join(limaHome(), name) }

// switched tells whether a file makes all machines misbehave: `_stand-in/NAME` in lima's home.
func switched(name string) bool {
	_, err := os.Stat(filepath.Join(limaHome(), "_stand-in", name))
	return err == nil
}

// refuse fails in the way that the switch `fail-COMMAND` says, with its text.
func refuse(command string) {
	text, err := os.ReadFile(filepath.Join(limaHome(), "_stand-in", "fail-"+command))
	if err == nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace(string(text)))
		os.Exit(1)
	}
}

func start(words []string) {
	refuse("start")
	if len(words) != 1 {
		fatal("start takes one instance or file, not %q", words)
	}
	name := words[0]
	if strings.HasSuffix(name, ".yaml") {
		file := name
		name = strings.TrimSuffix(filepath.Base(file), ".yaml")
		create := exec.Command(real(), "create", "--tty=false", "--name="+name, file)
		create.Env, create.Stdout, create.Stderr = environment(), os.Stdout, os.Stderr
		check(create.Run())
	}
	boot(name)
	fmt.Fprintf(os.Stderr, "time=\"2026-01-01T00:00:00Z\" level=info msg=\"READY. Run `limactl shell %s` to open the shell.\"\n", name)
}

// copyInto does what scp does, without a network.
func copyInto(words []string) {
	if len(words) != 2 {
		fatal("copy takes a file and its place, not %q", words)
	}
	name, place, found := strings.Cut(words[1], ":")
	if !found {
		fatal("only copies into a machine, not to %q", words[1])
	}
	target := filepath.Join(root(instance(name)), place)
	check(exec.Command("cp", "-R", words[0], target).Run())
}
