//go:build !unix

package output

import "github.com/sirupsen/logrus"

// watchHangup does nothing, because there is no SIGHUP.
func watchHangup(logrus.FieldLogger) (stop func()) { return func() {} }
