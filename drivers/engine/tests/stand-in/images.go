package main

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// What stands in for containerd in a node: it keeps the names of the images that it was given, and
// nothing of the images.

const imagesFile = "/var/lib/stand-in-images.json"

// image is one image as crictl tells it.
type image struct {
	ID   string   `json:"id"`
	Tags []string `json:"repoTags"`
}

func images() (result []image) {
	if text, err := os.ReadFile(imagesFile); err == nil {
		json.Unmarshal(text, &result)
	}
	return result
}

// containerd is asked for its config, in which kind looks for the snapshotter.
func containerd() {
	fmt.Print("version = 3\n[plugins.'io.containerd.cri.v1.images']\n  snapshotter = 'overlayfs'\n")
}

// ctr knows `images import … -` and `images tag … ID NAME` of kind, `image import … -` of k3d, and of
// minikube `images import FILE` and `images ls`.
func ctr(args []string) {
	command, last := "", ""
	for i, arg := range args {
		if (arg == "images" || arg == "image") && i+1 < len(args) {
			command = args[i+1]
		}
		last = arg
	}
	switch {
	case command == "import" && last == "-":
		keep(readArchive(os.Stdin))
	case command == "import" && isMinikube():
		file := must(os.Open(last))
		defer file.Close()
		keep(readArchive(file))
	case command == "ls":
	case command == "tag" && len(args) > 2:
		keep([]image{{ID: args[len(args)-2], Tags: []string{last}}})
	default:
		kubeFatal("ctr: only images import and images tag")
	}
}

func keep(fresh []image) {
	all := images()
	for _, each := range fresh {
		found := false
		for i := range all {
			if all[i].ID == each.ID {
				all[i].Tags = append(all[i].Tags, each.Tags...)
				found = true
			}
		}
		if !found {
			all = append(all, each)
		}
		fmt.Printf("stand-in: unpacking %s\n", strings.Join(each.Tags, " "))
	}
	writeFile(imagesFile, must(json.Marshal(all)))
}

// readArchive reads what `docker save` writes, as far as the names go.
func readArchive(from io.Reader) (result []image) {
	archive := tar.NewReader(from)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			kubeFatal("ctr: unrecognized image format: %v", err)
		}
		if header.Name != "manifest.json" {
			continue
		}
		var manifest []struct {
			Config   string
			RepoTags []string
		}
		if err := json.NewDecoder(archive).Decode(&manifest); err != nil {
			kubeFatal("ctr: manifest.json: %v", err)
		}
		for _, each := range manifest {
			id := "sha256:" + strings.TrimSuffix(path.Base(each.Config), ".json")
			tags := []string{}
			for _, tag := range each.RepoTags {
				tags = append(tags, full(tag))
			}
			result = append(result, image{id, tags})
		}
	}
	if len(result) == 0 {
		kubeFatal("ctr: unrecognized image format")
	}
	return result
}

// full is the name that containerd gives to an image that Docker calls by a short one.
func full(name string) string {
	first, _, slash := strings.Cut(name, "/")
	switch {
	case !slash:
		return "docker.io/library/" + name
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		return "docker.io/" + name
	}
	return name
}

// crictl knows `inspecti IMAGE`.
func crictl(args []string) {
	if isMinikube() {
		json.NewEncoder(os.Stdout).Encode(object{"images": images()})
		return
	}
	if len(args) != 2 || args[0] != "inspecti" {
		kubeFatal("crictl: only inspecti")
	}
	for _, each := range images() {
		for _, name := range append(each.Tags, each.ID) {
			if name == args[1] || name == full(args[1]) {
				json.NewEncoder(os.Stdout).Encode(object{"status": each})
				return
			}
		}
	}
	kubeFatal("crictl: no such image %q", args[1])
}
