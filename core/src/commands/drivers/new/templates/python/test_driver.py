"""Tests the driver: by a cluster's life, and where caproni is on PATH by the rules of the protocol."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

DRIVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "caproni-driver-{{name}}")


class Driver(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        environment = {**os.environ, "CAPRONI_STATE_DIR": folder.name}
        self.driver = subprocess.Popen([DRIVER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.driver.stdout.close)
        # One that hangs is ended, and then its output ends too.
        deadline = threading.Timer(60, self.driver.kill)
        self.addCleanup(deadline.cancel)
        deadline.start()

    def ask(self, method, **params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.driver.stdin.write(json.dumps(request).encode() + b"\n")
        self.driver.stdin.flush()
        for line in self.driver.stdout:
            message = json.loads(line)
            if "id" in message:  # and not progress
                self.assertIn("result", message)
                return message["result"]
        self.fail(f"it ended, or was too slow, and has not answered `{method}`")

    def test_a_cluster_lives_from_start_to_destroy(self):
        described = self.ask("initialize", protocolVersions=[1], host={"name": "test", "version": "1"})
        self.assertEqual(described["name"], "{{name}}")
        for method, field, value in [
            ("status", "exists", False),
            ("start", "change", "created"),
            ("start", "change", "none"),
            ("status", "state", "ready"),
            ("stop", "change", "stopped"),
            ("status", "state", "stopped"),
            ("start", "change", "started"),
            ("destroy", "change", "destroyed"),
            ("status", "exists", False),
        ]:
            with self.subTest(method=method, expected=value):
                self.assertEqual(self.ask(method, profile="demo", config={})[field], value)
        self.driver.stdin.close()
        self.assertEqual(self.driver.wait(), 0)


class Rules(unittest.TestCase):
    @unittest.skipUnless(shutil.which("caproni"), "the rules are checked where caproni is on PATH")
    def test_it_breaks_no_rule(self):
        check = subprocess.run(["caproni", "drivers", "check", "--destructive", DRIVER], capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)


if __name__ == "__main__":
    unittest.main()
