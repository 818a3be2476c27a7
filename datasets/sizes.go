package datasets

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// SizeShares are sizes to ask for, of pictures or of videos, and how often each is drawn.
type SizeShares []SizeShare

// SizeShare is a size and its weight.
type SizeShare struct {
	Size   string // WIDTHxHEIGHT in pixels
	Weight float64
}

var sizeForm = regexp.MustCompile(`^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$`)

// ParseSizes reads sizes with their weights, as in "512x512:1,1024x1024:3". A size without a weight has 1.
func ParseSizes(text string) (all SizeShares, err error) {
	for part := range strings.SplitSeq(text, ",") {
		size, weight, given := strings.Cut(strings.TrimSpace(part), ":")
		s := SizeShare{Size: size, Weight: 1}
		if given {
			s.Weight, err = strconv.ParseFloat(weight, 64)
		}
		if err != nil || !sizeForm.MatchString(size) || !(s.Weight > 0 && s.Weight < 1e9) {
			return nil, fmt.Errorf("must be sizes with weights such as '512x512:1,1024x1024:3', got %q", part)
		}
		all = append(all, s)
	}
	return all, nil
}

// sized is a set whose items ask for pictures or videos of sizes that are drawn by the seed and the item's number.
type sized struct {
	Set
	sizes SizeShares
	total float64
	seed  uint64
}

// NewSized returns a set whose items ask for one of the sizes each, as the field size of the request. An item that has
// the field keeps it.
func NewSized(set Set, sizes SizeShares, seed int64) Set {
	s := &sized{Set: set, sizes: sizes, seed: uint64(seed)}
	for _, each := range sizes {
		s.total += each.Weight
	}
	return s
}

// At returns item number i.
func (s *sized) At(i int64) (Item, error) {
	item, err := s.Set.At(i)
	if err != nil || gjson.GetBytes(item.Params, "size").Exists() {
		return item, err
	}
	fields := map[string]json.RawMessage{}
	gjson.ParseBytes(item.Params).ForEach(func(key, value gjson.Result) bool {
		fields[key.Str] = json.RawMessage(value.Raw)
		return true
	})
	fields["size"] = json.RawMessage(strconv.Quote(s.draw(i)))
	item.Params, err = json.Marshal(fields)
	return item, err
}

// draw returns the size of an item.
func (s *sized) draw(i int64) string {
	x := rand.New(rand.NewPCG(s.seed, uint64(i))).Float64() * s.total // reproducible on purpose
	for _, each := range s.sizes {
		if x -= each.Weight; x < 0 {
			return each.Size
		}
	}
	return s.sizes[len(s.sizes)-1].Size
}

// WithSalt returns the set with a further salt.
func (s *sized) WithSalt(salt string) (Set, error) {
	salted, ok := s.Set.(SaltedSet)
	if !ok {
		return s, nil
	}
	set, err := salted.WithSalt(salt)
	return &sized{set, s.sizes, s.total, s.seed}, err
}
