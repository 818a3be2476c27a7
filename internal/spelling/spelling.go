// Package spelling suggests the known name that a user probably meant by an unknown one.
package spelling

import "strings"

// Nearest returns the known name that differs least, ignoring case, if no more than a third of the name's letters
// differ, or two of four or five. It returns false if no known name is that near.
func Nearest(name string, known []string) (string, bool) {
	best, least := "", max(min(2, len(name)/2), len(name)/3)+1
	if len(name) > 64 {
		return "", false
	}
	for _, k := range known {
		if n := distance(strings.ToLower(name), strings.ToLower(k)); n < least {
			best, least = k, n
		}
	}
	return best, best != ""
}

// distance returns Levenshtein's distance in bytes: how many to insert, delete or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}
