// Package prefix follows which beginnings of prompts a server's cache can know. A prompt is cut into blocks of a fixed
// number of tokens, and each block is known by a hash of everything up to its end, as in vLLM: two prompts share a
// block if they are equal up to there.
package prefix

// Hash is the hash of a prompt up to the end of a block.
type Hash uint64
