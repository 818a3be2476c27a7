package datasets

import "io"

// lineCounter passes a file on and remembers where its lines begin, to name a line in an error.
type lineCounter struct {
	src    io.Reader
	offset int64
	breaks []int64
}

// Read reads from the source.
func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.src.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.breaks = append(l.breaks, l.offset+int64(i))
		}
	}
	l.offset += int64(n)
	return n, err
}

// at is the number of the line that holds a byte, from 1.
func (l *lineCounter) at(offset int64) int {
	line := 1
	for _, b := range l.breaks {
		if b >= offset {
			break
		}
		line++
	}
	return line
}
