package parquetfile

import "encoding/binary"

// deepest is the greatest depth of nesting in a footer. Parquet's own definition nests less than ten levels. The
// library follows any depth that a file has until the stack of the process overflows, from which nothing can recover.
const deepest = 64

// Types of values in Thrift's compact protocol.
const (
	typeTrue = iota + 1
	typeFalse
	typeByte
	typeInt16
	typeInt32
	typeInt64
	typeDouble
	typeBinary
	typeList
	typeSet
	typeMap
	typeStruct
	typeUUID
)

// shallow reports whether no value of a footer nests too deeply. A footer is a struct. Whether it is Thrift at all is
// left to the library.
func shallow(footer []byte) bool {
	s := skipper{rest: footer}
	s.value(typeStruct, 0)
	return !s.deep
}

// skipper passes over values.
type skipper struct {
	rest       []byte
	deep, over bool // over is set where the bytes end, or are not a value
}

func (s *skipper) value(kind byte, depth int) {
	if depth > deepest {
		s.deep, s.over = true, true
	}
	switch {
	case s.over:
	case kind == typeByte:
		s.skip(1)
	case kind == typeInt16, kind == typeInt32, kind == typeInt64:
		s.varint()
	case kind == typeDouble:
		s.skip(8)
	case kind == typeUUID:
		s.skip(16)
	case kind == typeBinary:
		s.skip(s.varint())
	case kind == typeList, kind == typeSet:
		head := s.byte()
		n := uint64(head >> 4)
		if n == 15 {
			n = s.varint()
		}
		s.items(n, depth, head&15)
	case kind == typeMap:
		if n := s.varint(); n > 0 {
			head := s.byte()
			s.items(n, depth, head>>4, head&15)
		}
	case kind == typeStruct:
		s.fields(depth)
	default:
		s.over = true
	}
}

// items passes over the items of a list, or over the pairs of a map. A truth value among them is a byte.
func (s *skipper) items(n uint64, depth int, kinds ...byte) {
	for ; n > 0 && !s.over; n-- {
		for _, kind := range kinds {
			if kind == typeTrue || kind == typeFalse {
				kind = typeByte
			}
			s.value(kind, depth+1)
		}
	}
}

// fields passes over the fields of a struct up to its end. A truth value of a field is its type.
func (s *skipper) fields(depth int) {
	for head := s.byte(); head != 0 && !s.over; head = s.byte() {
		if head>>4 == 0 {
			s.varint() // the field's number
		}
		if kind := head & 15; kind != typeTrue && kind != typeFalse {
			s.value(kind, depth+1)
		}
	}
}

func (s *skipper) skip(n uint64) {
	if n > uint64(len(s.rest)) {
		s.over, n = true, 0
	}
	s.rest = s.rest[n:]
}

func (s *skipper) byte() byte {
	if len(s.rest) == 0 {
		s.over = true
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *skipper) varint() uint64 {
	v, n := binary.Uvarint(s.rest)
	if n <= 0 {
		s.over = true
		return 0
	}
	s.rest = s.rest[n:]
	return v
}
