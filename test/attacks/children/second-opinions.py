"""Reads JSON lines [path, vkey or null, policy file or null] and prints, for each, the exit code that ../../second-verifier/verify.py would end with."""
import importlib.util, json, pathlib, sys

FILE = pathlib.Path(__file__).parents[2] / "second-verifier" / "verify.py"
spec = importlib.util.spec_from_file_location("second_verifier", FILE)
second = importlib.util.module_from_spec(spec)
spec.loader.exec_module(second)
for line in sys.stdin:
    path, vkey, policy = json.loads(line)
    print(json.dumps(second.main(path, "--key", vkey, "--policy", policy)), flush=True)
