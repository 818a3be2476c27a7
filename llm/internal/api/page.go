package api

import (
	"bytes"
	"html"
	"regexp"
	"strings"
)

var (
	pageStart = regexp.MustCompile(`(?is)^(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|title|center|h1)\b`)
	pageName  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	pageHead  = regexp.MustCompile(`(?is)<h1[^>]*>(.*?)</h1>`)
	pageTag   = regexp.MustCompile(`<[^>]*>`)
)

// isPage reports whether a body is a web page, of which only the title is worth telling.
func isPage(body []byte) bool { return pageStart.Match(body) }

// IsMarkup reports whether a body is a web page or another document of tags, such as the XML of an object store. No
// model server answers with one.
func IsMarkup(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// pageTitle returns a page's title, or else its first heading.
func pageTitle(page []byte) string {
	for _, element := range [...]*regexp.Regexp{pageName, pageHead} {
		if found := element.FindSubmatch(page); found != nil {
			if text := strings.TrimSpace(html.UnescapeString(string(pageTag.ReplaceAll(found[1], nil)))); text != "" {
				return text
			}
		}
	}
	return ""
}
