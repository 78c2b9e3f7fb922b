// Package examples holds the tests of what stands in examples/: each example is
// run by the real CLI against fakes of the issuers, or validated.
package examples
