"""A stand-in for Hugging Face on this machine: the few addresses that huggingface_hub asks for models, in memory."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = re.compile(r"[0-9a-f]{40}")


class Hub(ThreadingHTTPServer):
    """Repositories in memory.

    repos   name -> branch -> files by name; a commit is called by a hash of its files
    asked   what was asked for, as (method, path)
    tokens  what came as Authorization
    secret  repositories that only this token may see
    large   what was sent by itself, by its SHA-256
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.repos, self.asked, self.tokens, self.secret = {}, [], set(), {}
        self.large = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def commits(self, repo):
        """Every branch, and every commit, to its files."""
        branches = self.repos[repo]
        return branches | {commit_of(held): held for held in branches.values()}


def commit_of(held):
    return hashlib.sha1(repr(sorted(held.items())).encode(), usedforsecurity=False).hexdigest()


def mode_of(path):
    """How a file is to be sent: weights and pictures by themselves, the rest within the commit."""
    return "lfs" if path.endswith((".safetensors", ".png")) else "regular"


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, content=b"", **headers):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def noted(self):
        self.server.asked.append((self.command, self.path))
        token = self.headers.get("Authorization")
        self.server.tokens |= {token} - {None}
        return token

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        token = self.noted()
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/(.+?)/([^/]+)", self.path)
        if not found:
            return self.answer(404)
        repo, revision, file = found.groups()
        needs = self.server.secret.get(repo)
        if repo not in self.server.repos or (needs and token != f"Bearer {needs}"):
            return self.answer(401, X_Error_Code="RepoNotFound")
        commits = self.server.commits(repo)
        if revision.replace("%2F", "/") not in commits:
            return self.answer(404, X_Error_Code="RevisionNotFound")
        held = commits[revision.replace("%2F", "/")]
        if file not in held:
            return self.answer(404, X_Error_Code="EntryNotFound")
        etag = hashlib.sha256(held[file]).hexdigest()
        return self.answer(200, held[file], ETag=f'"{etag}"', X_Repo_Commit=commit_of(held))

    def do_PUT(self):
        """A large file, which is sent by itself, as the hub has weights sent."""
        self.server.asked.append((self.command, self.path))
        content = self.rfile.read(int(self.headers["Content-Length"]))
        digest = hashlib.sha256(content).hexdigest()
        self.server.large[digest] = content
        return self.answer(200 if self.path == f"/lfs/{digest}" else 400)

    def do_POST(self):
        token, body = self.noted(), self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        if not token:
            return self.answer(401)
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization', 'me')}/{asked['name']}"
            if name in self.server.repos:
                return self.answer(409, {"url": f"{self.server.address}/{name}"})
            self.server.repos[name] = {"main": {}}
            if asked.get("private"):
                self.server.secret[name] = token.removeprefix("Bearer ")
            return self.answer(200, {"url": f"{self.server.address}/{name}", "name": name})
        if re.fullmatch(r"/[^/]+/[^/]+\.git/info/lfs/objects/batch", self.path):
            objects = [
                {**each, "actions": {"upload": {"href": f"{self.server.address}/lfs/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            return self.answer(200, {"transfer": "basic", "objects": objects})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/(.+)", self.path):
            files = [
                {"path": each["path"], "uploadMode": mode_of(each["path"]), "shouldIgnore": False, "oid": None}
                for each in json.loads(body)["files"]
            ]
            return self.answer(200, {"files": files})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/(.+)", self.path):
            held = self.server.repos[found[1]][found[2]]
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    held[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                if line["key"] == "lfsFile":
                    held[line["value"]["path"]] = self.server.large[line["value"]["oid"]]
            url = f"{self.server.address}/{found[1]}/commit/{commit_of(held)}"
            return self.answer(200, {"success": True, "commitOid": commit_of(held), "commitUrl": url})
        return self.answer(404)
