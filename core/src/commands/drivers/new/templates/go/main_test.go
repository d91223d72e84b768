package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// build makes the driver's program, in a folder that goes with the test.
func build(t *testing.T) string {
	program := filepath.Join(t.TempDir(), "caproni-driver-{{name}}")
	if output, err := exec.Command("go", "build", "-o", program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return program
}

func TestAClusterLivesFromStartToDestroy(t *testing.T) {
	// One that hangs is ended, and then its output ends too.
	limit, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	driver := exec.CommandContext(limit, build(t))
	driver.Env = append(os.Environ(), "CAPRONI_STATE_DIR="+t.TempDir())
	driver.Stderr = os.Stderr
	stdin, _ := driver.StdinPipe()
	stdout, _ := driver.StdoutPipe()
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	ask := func(method, params string) map[string]any {
		fmt.Fprintf(stdin, `{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}`+"\n", method, params)
		for lines.Scan() {
			var message map[string]any
			if err := json.Unmarshal(lines.Bytes(), &message); err != nil {
				t.Fatalf("%v: %s", err, lines.Text())
			}
			if result, ok := message["result"].(map[string]any); ok {
				return result
			}
			if message["id"] != nil { // and it is no progress
				t.Fatalf("`%s` failed: %s", method, lines.Text())
			}
		}
		t.Fatalf("it ended, or was too slow, and has not answered `%s`", method)
		return nil
	}
	if is := ask("initialize", `{"protocolVersions":[1],"host":{"name":"test","version":"1"}}`)["name"]; is != "{{name}}" {
		t.Errorf("its name is %v", is)
	}
	for _, step := range []struct {
		method, field string
		value         any
	}{
		{"status", "exists", false},
		{"start", "change", "created"},
		{"start", "change", "none"},
		{"status", "state", "ready"},
		{"stop", "change", "stopped"},
		{"status", "state", "stopped"},
		{"start", "change", "started"},
		{"destroy", "change", "destroyed"},
		{"status", "exists", false},
	} {
		if is := ask(step.method, `{"profile":"demo","config":{}}`)[step.field]; is != step.value {
			t.Errorf("`%s`: `%s` is %v, not %v", step.method, step.field, is, step.value)
		}
	}
	stdin.Close()
	if err := driver.Wait(); err != nil {
		t.Error(err)
	}
}

func TestItBreaksNoRule(t *testing.T) {
	if _, err := exec.LookPath("caproni"); err != nil {
		t.Skip("the rules are checked where caproni is on PATH")
	}
	output, err := exec.Command("caproni", "drivers", "check", "--destructive", build(t)).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, output)
	}
}
