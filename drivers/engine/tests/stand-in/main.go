// Stand-ins for the images that k3d and kind start, for tests on machines without a registry: one
// binary which is k3s, nginx behind k3d-proxy, k3d-tools, the first process of a node of kind's, envoy
// before these, and the few commands that k3d and kind run in their containers, by the name it is
// called by. See README.md for what it is not.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// switches holds the files that make a running container misbehave.
const switches = "/stand-in"

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	// As in the real one, `k3s kubectl` is kubectl.
	if name == "k3s" && len(args) > 0 && (args[0] == "kubectl" || args[0] == "ctr" || args[0] == "crictl") {
		name, args = args[0], args[1:]
	}
	switch name {
	case "k3s":
		k3s(args)
	case "entrypoint":
		if isMinikube() {
			minikubeNode()
		} else {
			kindNode()
		}
	case "kubeadm":
		if isMinikube() {
			minikubeKubeadm(args)
		} else {
			kubeadm(args)
		}
	case "envoy":
		envoy(args)
	case "kubectl":
		if _, err := os.Stat("/kind"); err == nil || isMinikube() {
			kindKubectl(args)
		} else {
			kubectl(args)
		}
	case "nginx-proxy":
		proxy()
	case "k3d-tools":
		tools(args)
	case "iptables-save", "iptables-restore":
		// k3d redirects DNS through the gateway with these. Nothing here resolves names by way of
		// the file that it changes along with them, see `resolver`.
	case "ctr":
		ctr(args)
	case "crictl":
		crictl(args)
	case "containerd":
		containerd()
	default:
		fatal("not known by the name %q", name)
	}
}

// logf writes a line as k3s does, for k3d looks for some of them; the prefix says whose it is.
func logf(format string, args ...any) {
	logAt("info", format, args...)
}

func logAt(level, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "stand-in: time=%q level=%s msg=%q\n",
		time.Now().UTC().Format(time.RFC3339), level, fmt.Sprintf(format, args...))
}

func fatal(format string, args ...any) {
	logAt("fatal", format, args...)
	os.Exit(1)
}

// keepTalking writes a few more lines in the first minute, as the real programs do. Whoever follows
// a container's log may miss a line that comes between its first look and its watch, and sees it
// with the next one only: k3d then waits for ever for a line that is there.
func keepTalking(line func()) {
	for pause := time.Second; pause < time.Minute; pause *= 2 {
		time.Sleep(pause)
		line()
	}
}

func version() string {
	if v := os.Getenv("STAND_IN_VERSION"); v != "" {
		return v
	}
	return "v0.0.0-standin"
}

func switched(name string) bool {
	_, err := os.Stat(filepath.Join(switches, name))
	return err == nil
}

// after reads a number of seconds, or "never", which becomes a time that does not come.
func after(variable string, standard time.Duration) time.Duration {
	switch text := os.Getenv(variable); text {
	case "":
		return standard
	case "never":
		return 1 << 62
	default:
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || seconds < 0 {
			fatal("%s=%s: a number of seconds or never", variable, text)
		}
		return time.Duration(seconds * float64(time.Second))
	}
}

// obeySignals is needed because the first process of a container gets no default handling.
func obeySignals() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range signals {
			if os.Getenv("STAND_IN_IGNORE_TERM") == "1" {
				logf("ignoring %s", s)
				continue
			}
			logf("%s: ending", s)
			os.Exit(0)
		}
	}()
}

// resolver asks the engine's own DNS server: k3d makes /etc/resolv.conf point at the gateway, where
// an answer would need the packet filter rules that the real image comes with.
var resolver = &net.Resolver{
	PreferGo: true,
	Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.11:53")
	},
}

func k3s(args []string) {
	if len(args) == 0 {
		fatal("no command given")
	}
	switch args[0] {
	case "--version", "-v":
		fmt.Printf("k3s version %s (stand-in)\ngo version %s\n", version(), runtime.Version())
	case "server", "agent":
		if os.Getenv("STAND_IN_CRASH") == "1" || switched("crash") {
			fatal("starting kubernetes: told to crash")
		}
		obeySignals()
		newNode(args[0], args[1:]).run()
	default:
		fatal("no such command: %s", args[0])
	}
}

func tools(args []string) {
	if len(args) == 0 || args[0] != "noop" {
		fatal("k3d-tools %s: images cannot be moved by a stand-in", strings.Join(args, " "))
	}
	obeySignals()
	logf("k3d-tools is idle")
	select {}
}

// --- k3d-proxy ------------------------------------------------------------------------------------

const proxyConfig = "/etc/confd/values.yaml"

type upstream struct {
	port, protocol string
	servers        []string // addresses with port
}

// parseProxyConfig reads the one shape that k3d writes: ports: {PORT.PROTOCOL: [HOST...]}.
func parseProxyConfig(text string) (result []upstream) {
	section := ""
	for _, line := range strings.Split(text, "\n") {
		word := strings.TrimSpace(line)
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case strings.HasPrefix(word, "- "):
			if section == "ports" && len(result) > 0 {
				last := &result[len(result)-1]
				last.servers = append(last.servers, strings.Trim(word[2:], `"' `))
			}
		case line[0] != ' ':
			section = strings.SplitN(word, ":", 2)[0]
		case section == "ports":
			key := strings.Trim(strings.SplitN(word, ":", 2)[0], `"'`)
			port, protocol, _ := strings.Cut(key, ".")
			result = append(result, upstream{port: port, protocol: protocol})
		}
	}
	return result
}

// loadProxyConfig looks names up once, as nginx does: it keeps sending to the address that a node
// had, and does not start at all while a node is down.
func loadProxyConfig(text string) ([]upstream, error) {
	upstreams := parseProxyConfig(text)
	for i := range upstreams {
		u := &upstreams[i]
		for j, host := range u.servers {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			addresses, err := resolver.LookupHost(ctx, host)
			cancel()
			if err != nil || len(addresses) == 0 {
				return nil, fmt.Errorf("host not found in upstream %q", host)
			}
			u.servers[j] = net.JoinHostPort(addresses[0], u.port)
		}
	}
	return upstreams, nil
}

// nginxLog writes in nginx's own form: k3d would take a line of k3s' with level=fatal as a reason to
// wait for the next start.
func nginxLog(level string, message any) {
	fmt.Fprintf(os.Stderr, "stand-in: %s [%s] 1#1: %v\n", time.Now().UTC().Format("2006/01/02 15:04:05"), level, message)
}

func nginxFatal(err error) {
	nginxLog("emerg", err)
	os.Exit(1)
}

func proxy() {
	obeySignals()
	time.Sleep(after("STAND_IN_UP_AFTER", 0))
	last := ""
	stop := func() {}
	for ; ; time.Sleep(500 * time.Millisecond) {
		text, err := os.ReadFile(proxyConfig)
		if err != nil || string(text) == last {
			continue
		}
		upstreams, err := loadProxyConfig(string(text))
		if err != nil {
			if last == "" {
				nginxFatal(err)
			}
			nginxLog("emerg", err)
			last = string(text)
			continue
		}
		stop()
		last, stop = string(text), serve(upstreams)
		nginxLog("notice", "start worker processes")
		go keepTalking(func() { nginxLog("notice", "worker processes run") })
	}
}

func serve(upstreams []upstream) (stop func()) {
	var open []interface{ Close() error }
	for _, u := range upstreams {
		u := u
		if u.protocol == "udp" {
			socket, err := net.ListenPacket("udp", ":"+u.port)
			if err != nil {
				nginxFatal(err)
			}
			open = append(open, socket)
			go forwardPackets(socket, u)
			continue
		}
		listener, err := net.Listen("tcp", ":"+u.port)
		if err != nil {
			nginxFatal(err)
		}
		open = append(open, listener)
		go func() {
			for turn := 0; ; turn++ {
				client, err := listener.Accept()
				if err != nil {
					return
				}
				go forward(client.(*net.TCPConn), u, turn)
			}
		}()
	}
	return func() {
		for _, o := range open {
			o.Close()
		}
	}
}

func forward(client *net.TCPConn, u upstream, turn int) {
	defer client.Close()
	for i := range u.servers {
		address := u.servers[(turn+i)%len(u.servers)]
		connection, err := net.DialTimeout("tcp", address, 2*time.Second)
		if err != nil {
			nginxLog("error", fmt.Sprintf("connect() failed (%v) while connecting to upstream", err))
			continue
		}
		server := connection.(*net.TCPConn)
		defer server.Close()
		var both sync.WaitGroup
		both.Add(2)
		pipe := func(to, from *net.TCPConn) {
			defer both.Done()
			to.ReadFrom(from)
			to.CloseWrite()
		}
		go pipe(server, client)
		go pipe(client, server)
		both.Wait()
		return
	}
}

func forwardPackets(socket net.PacketConn, u upstream) {
	var lock sync.Mutex
	sessions := map[string]net.Conn{}
	buffer := make([]byte, 65536)
	for {
		n, client, err := socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		lock.Lock()
		server := sessions[client.String()]
		if server == nil && len(u.servers) > 0 {
			if server, err = net.Dial("udp", u.servers[len(sessions)%len(u.servers)]); err != nil {
				lock.Unlock()
				continue
			}
			sessions[client.String()] = server
			go func() {
				answer := make([]byte, 65536)
				for {
					server.SetReadDeadline(time.Now().Add(time.Minute))
					n, err := server.Read(answer)
					if err != nil {
						break
					}
					socket.WriteTo(answer[:n], client)
				}
				server.Close()
				lock.Lock()
				delete(sessions, client.String())
				lock.Unlock()
			}()
		}
		lock.Unlock()
		if server != nil {
			server.Write(buffer[:n])
		}
	}
}
