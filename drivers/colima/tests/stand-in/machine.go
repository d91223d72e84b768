package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// What there is in a machine beside busybox and the stand-in for k3s.
//
//go:embed guest
var guest embed.FS

const bootTime = 30 * time.Second

// root is the folder that the machine's commands see as `/`.
func root(dir string) string { return filepath.Join(dir, "guest") }

// boot starts the machine's process, which outlives this one, and waits for it.
func boot(name string) {
	dir := instance(name)
	install(dir)
	if switched("boot-hangs") {
		hang()
	}
	log, err := os.Create(filepath.Join(dir, "ha.stderr.log"))
	check(err)
	events, err := os.Create(filepath.Join(dir, "ha.stdout.log"))
	check(err)
	exe, err := os.Executable()
	check(err)
	machine := exec.Command(exe, "stand-in-machine", name)
	machine.Stdout, machine.Stderr = events, log
	machine.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	check(machine.Start())
	for begin := time.Now(); time.Since(begin) < bootTime; time.Sleep(10 * time.Millisecond) {
		if socket, err := net.Dial("unix", filepath.Join(dir, "ha.sock")); err == nil {
			socket.Close()
			return
		}
	}
	fatal("the machine did not come up, see %s", log.Name())
}

// install lays out the machine's disk, at its first start.
func install(dir string) {
	disk := root(dir)
	if _, err := os.Stat(filepath.Join(disk, "bin/sh")); err == nil {
		return
	}
	// lima mounts the user's home at its own place.
	home, _ := os.UserHomeDir()
	for _, folder := range []string{home, "bin", "dev", "etc/containerd", "proc", "root", "run", "sys", "tmp", "usr/local/bin", "var/log"} {
		check(os.MkdirAll(filepath.Join(disk, folder), 0o755))
	}
	busybox := filepath.Join(own(), "busybox")
	check(exec.Command("cp", busybox, filepath.Join(own(), "k3s"), filepath.Join(disk, "bin")).Run())
	check(os.Rename(filepath.Join(disk, "bin/k3s"), filepath.Join(disk, "bin/stand-in")))
	check(os.MkdirAll(filepath.Join(disk, "opt"), 0o755))
	check(os.Symlink("/bin/stand-in", filepath.Join(disk, "opt/k3s")))
	applets, err := exec.Command(busybox, "--list").Output()
	check(err)
	for _, applet := range strings.Fields(string(applets)) {
		_ = os.Symlink("busybox", filepath.Join(disk, "bin", applet))
	}
	check(fs.WalkDir(guest, "guest", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := guest.ReadFile(path)
		if err != nil {
			return err
		}
		file := filepath.Join(disk, strings.TrimPrefix(path, "guest/"))
		_ = os.Remove(file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, text, 0o755)
	}))
	check(os.WriteFile(filepath.Join(disk, "etc/hosts"), []byte("127.0.0.1 localhost\n192.168.5.2 host.lima.internal\n"), 0o644))
	check(os.WriteFile(filepath.Join(disk, "dev/null"), nil, 0o666))
}

// machine is lima's host agent and the virtual machine in one process: lima kills both, one after
// the other, and asks the former whether it is well.
func machine(name string) {
	// What dies with this process dies with the thread that started it.
	runtime.LockOSThread()
	dir := instance(name)
	_ = os.Remove(filepath.Join(dir, "ha.sock"))
	listener, err := net.Listen("unix", filepath.Join(dir, "ha.sock"))
	check(err)
	pid := []byte(fmt.Sprintln(os.Getpid()))
	files := []string{filepath.Join(dir, "ha.pid"), filepath.Join(dir, "qemu.pid")}
	for _, file := range files {
		check(os.WriteFile(file, pid, 0o644))
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"sshLocalPort": 22})
	}))
	check(os.WriteFile(filepath.Join(dir, "ssh.config"), []byte("Host lima-"+name+"\n  Port 22\n"), 0o644))
	tell(map[string]any{"running": true, "sshLocalPort": 22})
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	_ = os.Remove(filepath.Join(root(dir), "run/k3s.want"))
	var k3s *exec.Cmd
	for {
		select {
		case <-signals:
			if switched("stop-hangs") {
				continue
			}
			tell(map[string]any{"exiting": true})
			for _, file := range append(files, filepath.Join(dir, "ha.sock")) {
				_ = os.Remove(file)
			}
			os.Exit(0)
		case <-time.After(20 * time.Millisecond):
			k3s = unit(dir, k3s)
		}
	}
}

// tell writes an event as lima's host agent does: the real limactl waits for some of them.
func tell(status map[string]any) {
	json.NewEncoder(os.Stdout).Encode(map[string]any{"time": time.Now(), "status": status})
}

// unit runs k3s as long as the machine's systemctl wants it to.
func unit(dir string, running *exec.Cmd) *exec.Cmd {
	_, err := os.Stat(filepath.Join(root(dir), "run/k3s.want"))
	wanted := err == nil
	switch {
	case wanted && running == nil:
		command := inside(dir, "exec /etc/systemd/system/k3s.service >>/var/log/k3s.log 2>&1")
		command.SysProcAttr.Pdeathsig = syscall.SIGKILL
		if err := command.Start(); err != nil {
			fmt.Fprintln(os.Stderr, "stand-in: k3s:", err)
			return nil
		}
		go command.Wait()
		return command
	case !wanted && running != nil:
		_ = running.Process.Kill()
		return nil
	}
	return running
}
