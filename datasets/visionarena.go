package datasets

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/media"
)

// VisionArena holds the options of ReadVisionArena.
type VisionArena struct {
	Rows   int    // usable records to read; 0 means DefaultArenaRows
	Images int    // images of a request at most, the first of the record; 0 means 1
	Place  Place  // where the images stand in the text
	Seed   *int64 // shuffles the items; nil keeps the order of the files
}

// DefaultArenaRows is the number of records that inference-perf reads of the data set if it is not told.
const DefaultArenaRows = 1000

// maxArena limits the images of a data set, in bytes of base64. They are in memory.
const maxArena = 2 << 30

// Arena is a set of questions about images, in memory. It holds each image once, as the base64 that requests carry,
// which is a third more than the files have.
type Arena struct {
	Counts ArenaCounts
	place  Place
	items  []arenaItem
}

type arenaItem struct {
	text   string
	images []*Media
}

// ArenaCounts tells what a data set holds, and what was left out.
type ArenaCounts struct {
	Kept    int64 // records
	Unasked int64 // records without a question of the user
	Blind   int64 // records whose first images are none that a server reads
	Dropped int64 // images that are none, or of other formats than png, jpeg and webp
	Images  int   // different images
	Bytes   int64 // of their base64
}

// String describes what is kept and what is left out.
func (c ArenaCounts) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s with %d different %s, %.1f MB in memory", c.Kept, plural(c.Kept, "record"), c.Images,
		plural(int64(c.Images), "image"), float64(c.Bytes)/1e6)
	sep := "; left out: "
	for _, left := range []struct {
		n          int64
		noun, what string
	}{
		{c.Unasked, "record", "without a question of the user"},
		{c.Blind, "record", "without an image that can be sent"},
		{c.Dropped, "image", "in no format of png, jpeg and webp"},
	} {
		if left.n > 0 {
			fmt.Fprintf(&b, "%s%d %s %s", sep, left.n, plural(left.n, left.noun), left.what)
			sep = ", "
		}
	}
	return b.String()
}

// ReadVisionArena reads records as those of the data set lmarena-ai/VisionArena-Chat: {"conversation": [[{"role":
// "user", "content": …}], …], "images": [{"bytes": …}, …]}, where a turn may also stand without its list, and bytes are
// binary in Parquet and base64 in JSON. An item is the first message of the user that has text, with the first images.
// Images in the formats png, jpeg and webp are sent as they stand; others, and what is no image, are left out. No image
// is decoded beyond its head. Files are opened as they are needed.
func ReadVisionArena(files []File, opts VisionArena) (*Arena, error) {
	if err := opts.Place.Validate(); err != nil {
		return nil, fmt.Errorf("the place of images %w", err)
	}
	r := newReader(files, Prompts, Options{})
	defer r.close()
	p := arenaReader{d: &r.decoder, most: max(1, opts.Images), arena: &Arena{place: opts.Place},
		known: map[string]*Media{}, room: maxArena}
	rows := opts.Rows
	if rows == 0 {
		rows = DefaultArenaRows
	}
	for len(p.arena.items) < rows {
		err := r.record(p.read)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if len(p.arena.items) == 0 {
		r.counts = Counts{}
		return nil, p.noItemError(r)
	}
	if opts.Seed != nil {
		shuffle(p.arena.items, *opts.Seed)
	}
	return p.arena, nil
}

// At returns item number i; past the end it begins again. Where drawn places are asked for, those of item i are drawn
// anew in each pass.
func (a *Arena) At(i int64) (Item, error) {
	entry := &a.items[i%int64(len(a.items))]
	rng := stream(0, "", "visionarena", i)
	list := make([]placed, len(entry.images))
	for k, image := range entry.images {
		list[k] = placed{image, a.place.Draw(rng)}
	}
	return Item{Messages: []Message{{Role: "user", Content: entry.text}}, Parts: weave(entry.text, list)}, nil
}

// Len returns the number of items.
func (a *Arena) Len() (int64, bool) { return int64(len(a.items)), true }

// arenaReader collects the items.
type arenaReader struct {
	d     *decoder
	arena *Arena
	most  int               // images of an item
	known map[string]*Media // by their base64
	room  int64             // bytes of base64 that may follow
	file  []byte            // buffer of an image
}

func (p *arenaReader) read(record []byte) error {
	p.d.text = p.d.text[:0]
	var conversation, images []byte
	for name, value := range p.d.members(record) {
		switch normalizedName(name) {
		case "conversation":
			conversation = p.d.embeddedJSON(value)
		case "images":
			images = p.d.embeddedJSON(value)
		}
	}
	for _, field := range []struct {
		name  string
		value []byte
	}{{"conversation", conversation}, {"images", images}} {
		switch {
		case field.value == nil:
			return fmt.Errorf("the record has no list %q%s", field.name, p.d.describeFields(record, "visionarena"))
		case field.value[0] != '[' && field.value[0] != 'n':
			return fmt.Errorf("%q is not a list", field.name)
		}
	}
	question, counts := p.question(conversation), &p.arena.Counts
	if question == "" {
		counts.Unasked++
		return nil
	}
	list, err := p.images(images)
	switch {
	case err != nil:
		return err
	case len(list) == 0:
		counts.Blind++
		return nil
	}
	counts.Kept++
	p.arena.items = append(p.arena.items, arenaItem{strings.Clone(question), list})
	return nil
}

// question returns the first text of the user, or "".
func (p *arenaReader) question(conversation []byte) string {
	for turn := range elements(conversation) {
		if turn[0] == '{' {
			if text := p.asked(turn); text != "" {
				return text
			}
		}
		for message := range elements(turn) {
			if text := p.asked(message); text != "" {
				return text
			}
		}
	}
	return ""
}

// asked returns the text of a message of the user, and "" if it has none or is of another.
func (p *arenaReader) asked(message []byte) string {
	user, text := false, ""
	for name, value := range p.d.members(message) {
		s, isText := p.d.stringText(value)
		switch {
		case name == "role":
			user = isText && s == "user"
		case name == "content" && isText && strings.TrimSpace(s) != "":
			text = s
		}
	}
	if !user {
		return ""
	}
	return text
}

// images returns the first images of a record, without those that cannot be sent.
func (p *arenaReader) images(list []byte) (images []*Media, err error) {
	n := 0
	for value := range elements(list) {
		if n++; n > p.most {
			break
		}
		image, err := p.image(p.bytesOf(value))
		switch {
		case err != nil:
			return nil, err
		case image == nil:
			p.arena.Counts.Dropped++
		default:
			images = append(images, image)
		}
	}
	return images, nil
}

// bytesOf returns the member of an image that has its bytes, or nil.
func (p *arenaReader) bytesOf(image []byte) []byte {
	for name, value := range p.d.members(image) {
		if name == "bytes" {
			return value
		}
	}
	return nil
}

// image returns the image whose bytes are given as base64, and nil if they are none that can be sent.
func (p *arenaReader) image(value []byte) (*Media, error) {
	text, isText := p.d.stringText(value)
	if !isText {
		return nil, nil
	}
	if m := p.known[text]; m != nil {
		return m, nil
	}
	p.file = slices.Grow(p.file[:0], base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(p.file[:cap(p.file)], []byte(text))
	if err != nil || n == 0 {
		return nil, nil
	}
	format, width, height, err := media.ReadImage(p.file[:n])
	if err != nil || format != media.PNG && format != media.JPEG && format != media.WebP {
		return nil, nil
	}
	if p.room -= int64(len(text)); p.room < 0 {
		n := int64(len(p.arena.items))
		return nil, fmt.Errorf("the images of %d %s take more than %d MiB of memory: set numRows "+
			"(data.visionarena.num_rows) to as many", n, plural(n, "record"), int64(maxArena)>>20)
	}
	text = strings.Clone(text)
	sum := sha256.Sum256(p.file[:n])
	m := &Media{Kind: Image, Format: format, Width: width, Height: height, Bytes: int64(n),
		ID: hex.EncodeToString(sum[:8]), Files: []string{text}}
	p.known[text] = m
	p.arena.Counts.Images++
	p.arena.Counts.Bytes += int64(len(text))
	return m, nil
}

// noItemError returns the error for files without a usable record.
func (p *arenaReader) noItemError(r *reader) error {
	c := p.arena.Counts
	if c.Unasked+c.Blind == 0 {
		return r.noItemError()
	}
	names := r.files[0].Name
	if len(r.files) > 1 {
		names += fmt.Sprintf(" and %d more", len(r.files)-1)
	}
	var why []string
	for _, left := range []struct {
		n    int64
		what string
	}{{c.Unasked, "no question of the user"}, {c.Blind, "no image in png, jpeg or webp"}} {
		if left.n > 0 {
			why = append(why, fmt.Sprintf("%d %s %s", left.n, verb(left.n), left.what))
		}
	}
	n := c.Unasked + c.Blind
	return fmt.Errorf("%s: none of %d %s can be asked: %s", names, n, plural(n, "record"), strings.Join(why, ", "))
}

// verb returns has or have.
func verb(n int64) string {
	if n == 1 {
		return "has"
	}
	return "have"
}
