// Go's own packages for signed notes and transparency logs, golang.org/x/mod/sumdb/note and tlog, on files of if-witness:
//
//	go-tlog open VKEY NOTE                      opens a checkpoint, prints origin, size, root
//	go-tlog sign NAME TEXT                      signs a text with a new key, prints the key, then the note
//	go-tlog proof VKEY PROOF ENTRY              checks a c2sp.org/tlog-proof@v1 of an entry's octets
//	go-tlog consistency VKEY OLD NEW PROOF      checks hashes, base64, one a line, between two checkpoints
//	go-tlog tiles VKEY DIR                      proves every entry of a tlog-tiles directory from its tiles
//
// Exit code 1: refused, with the reason on stderr.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	args := os.Args[1:]
	commands := map[string]struct {
		args int
		run  func([]string) error
	}{
		"--version":   {0, version},
		"open":        {2, open},
		"sign":        {2, sign},
		"proof":       {3, proof},
		"consistency": {4, consistency},
		"tiles":       {2, tiles},
	}
	if len(args) == 0 || commands[args[0]].run == nil || len(args)-1 != commands[args[0]].args {
		fmt.Fprintln(os.Stderr, "usage: go-tlog open|sign|proof|consistency|tiles …")
		os.Exit(2)
	}
	if err := commands[args[0]].run(args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func version([]string) error {
	fmt.Println("golang.org/x/mod v0.42.0")
	return nil
}

// A tree head as a checkpoint says it.
type checkpoint struct {
	origin string
	tree   tlog.Tree
}

func openNote(vkey string, bytes []byte) (checkpoint, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return checkpoint{}, err
	}
	opened, err := note.Open(bytes, note.VerifierList(verifier))
	if err != nil {
		return checkpoint{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return checkpoint{}, fmt.Errorf("not a checkpoint: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return checkpoint{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return checkpoint{}, err
	}
	return checkpoint{lines[0], tlog.Tree{N: size, Hash: root}}, nil
}

func openFile(vkey, file string) (checkpoint, error) {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return checkpoint{}, err
	}
	return openNote(vkey, bytes)
}

func open(args []string) error {
	c, err := openFile(args[0], args[1])
	if err == nil {
		fmt.Printf("%s\n%d\n%s\n", c.origin, c.tree.N, c.tree.Hash)
	}
	return err
}

func sign(args []string) error {
	text, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	skey, vkey, err := note.GenerateKey(rand.Reader, args[0])
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err == nil {
		fmt.Printf("%s\n%s", vkey, signed)
	}
	return err
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var list []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		list = append(list, hash)
	}
	return list, nil
}

func proof(args []string) error {
	text, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	head, signed, found := bytes.Cut(text, []byte("\n\n"))
	if !found {
		return fmt.Errorf("no empty line")
	}
	lines := strings.Split(string(head), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("first line: %q", lines[0])
	}
	lines = lines[1:]
	if extra, found := strings.CutPrefix(lines[0], "extra "); found {
		if _, err := base64.StdEncoding.Strict().DecodeString(extra); err != nil {
			return err
		}
		lines = lines[1:]
	}
	decimal, found := strings.CutPrefix(lines[0], "index ")
	index, err := strconv.ParseInt(decimal, 10, 64)
	if !found || err != nil || strconv.FormatInt(index, 10) != decimal {
		return fmt.Errorf("index line: %q", lines[0])
	}
	list, err := hashes(lines[1:])
	if err != nil {
		return err
	}
	c, err := openNote(args[0], signed)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(list, c.tree.N, c.tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	fmt.Printf("entry %d of %d in %s\n", index, c.tree.N, c.origin)
	return nil
}

func consistency(args []string) error {
	older, err := openFile(args[0], args[1])
	if err != nil {
		return err
	}
	newer, err := openFile(args[0], args[2])
	if err != nil {
		return err
	}
	text, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	list, err := hashes(strings.Fields(string(text)))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(list, newer.tree.N, newer.tree.Hash, older.tree.N, older.tree.Hash); err != nil {
		return err
	}
	fmt.Printf("%d continues %d\n", newer.tree.N, older.tree.N)
	return nil
}

// Reads tiles of height 8 as c2sp.org/tlog-tiles names them: the path of tlog without the height. Keeps what was verified.
type directory struct {
	path  string
	saved map[tlog.Tile][]byte
}

func (directory) Height() int { return 8 }

func (d directory) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		d.saved[tile] = data[i]
	}
}

func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		if saved, found := d.saved[tile]; found {
			data = append(data, saved)
			continue
		}
		path, found := strings.CutPrefix(tile.Path(), "tile/8/")
		if !found {
			return nil, fmt.Errorf("unexpected path %s", tile.Path())
		}
		bytes, err := os.ReadFile(filepath.Join(d.path, "tile", path))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func tiles(args []string) error {
	vkey, dir := args[0], args[1]
	c, err := openFile(vkey, filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(c.tree, directory{dir, map[tlog.Tile][]byte{}})
	root, err := tlog.TreeHash(c.tree.N, reader)
	if err != nil {
		return err
	}
	if root != c.tree.Hash {
		return fmt.Errorf("root of the tiles: %s", root)
	}
	for first := int64(0); first < c.tree.N; first += 256 {
		width := min(256, c.tree.N-first)
		// The path of a bundle is that of a tile of level 0, under another name.
		path := strings.TrimPrefix(tlog.Tile{H: 8, L: 0, N: first / 256, W: int(width)}.Path(), "tile/8/0/")
		bundle, err := os.ReadFile(filepath.Join(dir, "tile/entries", path))
		if err != nil {
			return err
		}
		for i := range width {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("bundle %s ends in entry %d", path, first+i)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			record, err := tlog.ProveRecord(c.tree.N, first+i, reader)
			if err != nil {
				return err
			}
			hash := tlog.RecordHash(bundle[2:end])
			if err := tlog.CheckRecord(record, c.tree.N, c.tree.Hash, first+i, hash); err != nil {
				return fmt.Errorf("entry %d: %w", first+i, err)
			}
			bundle = bundle[end:]
		}
		if len(bundle) > 0 {
			return fmt.Errorf("bundle %s has %d octets too many", path, len(bundle))
		}
	}
	fmt.Printf("%d entries of %s proved\n", c.tree.N, c.origin)
	return nil
}
