package engine

import (
	cryptorand "crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
)

// Request ids are UUIDs, because some servers refuse other ids. An id has random bits of this process, with version 4
// and the variant of RFC 9562, and a counter in the last group.
var (
	requestPrefix = sync.OnceValue(func() string {
		var b [10]byte
		_, _ = cryptorand.Read(b[:]) // never fails
		b[6], b[8] = 0x40|b[6]&0x0f, 0x80|b[8]&0x3f
		return fmt.Sprintf("%x-%x-%x-%x-", b[:4], b[4:6], b[6:8], b[8:])
	})
	requestNumber atomic.Uint64
)

func nextRequestID() string { return requestID(requestNumber.Add(1)) }

func requestID(number uint64) string {
	id := append(make([]byte, 0, 36), requestPrefix()...)
	for shift := 44; shift >= 0; shift -= 4 {
		id = append(id, "0123456789abcdef"[number>>shift&0xf])
	}
	return string(id)
}
