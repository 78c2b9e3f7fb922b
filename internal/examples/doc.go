// Package examples tests the examples in examples/: each is run by the real CLI
// against fakes of the issuers, or validated.
package examples
