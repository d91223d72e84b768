package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
)

// inside is a line of shell in the machine: as root, with the machine's folder and host name.
func inside(dir, line string) *exec.Cmd {
	exe, err := os.Executable()
	check(err)
	command := exec.Command(exe, "stand-in-init", dir, line)
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	return command
}

// guestInit goes into the machine's folder for good.
func guestInit(dir string, args []string) {
	check(syscall.Sethostname([]byte(filepath.Base(dir))))
	check(syscall.Chroot(root(dir)))
	check(os.Chdir("/"))
	environment := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/root", "USER=user", "SHELL=/bin/sh", "TERM=" + os.Getenv("TERM"),
	}
	check(syscall.Exec("/bin/sh", append([]string{"sh", "-c"}, args...), environment))
}

// The real limactl names the machine only by the socket that its connections share.
var controlPath = regexp.MustCompile(`ControlPath="?([^"]*)/ssh\.sock`)

func ssh(args []string) {
	var dir, line string
	var terminal bool
	for _, arg := range args {
		if arg == "-V" {
			check(syscall.Exec("/usr/bin/ssh", []string{"ssh", "-V"}, os.Environ()))
		}
		if match := controlPath.FindStringSubmatch(arg); match != nil {
			dir = match[1]
		}
		terminal = terminal || arg == "-t"
		line = arg
	}
	if dir == "" {
		fatal("ssh: no machine in %q", args)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "_stand-in/guest-hangs")); err == nil {
		hang()
	}
	command := inside(dir, line)
	err := run(command, terminal)
	if exit, ok := err.(*exec.ExitError); ok {
		os.Exit(exit.ExitCode())
	}
	check(err)
}

func run(command *exec.Cmd, terminal bool) error {
	if terminal && isTerminal(os.Stdin) {
		return runAtTerminal(command)
	}
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	return command.Run()
}
