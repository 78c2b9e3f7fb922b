package venafi

import (
	"cmp"
	"errors"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// moments are the times in a response, each in three forms. Precision differs:
// depending on the server's version, the last two have milliseconds.
type moments struct {
	AccessIssuedOn     *string `json:"access_issued_on"`
	AccessIssuedOnISO  *string `json:"access_issued_on_ISO8601"`
	AccessIssuedOnUnix *int64  `json:"access_issued_on_unix_time"`
	GrantIssuedOn      *string `json:"grant_issued_on"`
	GrantIssuedOnISO   *string `json:"grant_issued_on_ISO8601"`
	GrantIssuedOnUnix  *int64  `json:"grant_issued_on_unix_time"`
	Expires            *string `json:"expires"`
	ExpiresISO         *string `json:"expires_ISO8601"`
	ExpiresUnix        *int64  `json:"expires_unix_time"`
}

type times struct{ accessIssued, grantIssued, grantExpires *time.Time }

func (m moments) read() (times, error) {
	accessIssued, err1 := moment(m.AccessIssuedOnUnix, m.AccessIssuedOnISO, m.AccessIssuedOn)
	grantIssued, err2 := moment(m.GrantIssuedOnUnix, m.GrantIssuedOnISO, m.GrantIssuedOn)
	grantExpires, err3 := moment(m.ExpiresUnix, m.ExpiresISO, m.Expires)

	return times{accessIssued, grantIssued, grantExpires}, errors.Join(err1, err2, err3)
}

// moment returns the first form that contains a time, seconds first. All forms must
// be valid, or the document is not the documented one.
func moment(unix *int64, iso, microsoft *string) (*time.Time, error) {
	fromISO, err1 := parseISO(deref(iso))
	fromMicrosoft, err2 := parseMicrosoft(deref(microsoft))

	return cmp.Or(set(time.Unix(deref(unix), 0)), set(fromISO), set(fromMicrosoft)), errors.Join(err1, err2)
}

// set returns t in UTC, or nil if t is a placeholder for no time: 1970 or .NET's year 1.
func set(t time.Time) *time.Time {
	if t.Unix() <= 0 {
		return nil
	}

	return new(t.UTC())
}

// parseISO parses ISO 8601 with or without fractions and zone, which defaults to
// UTC. An empty string is not a time.
func parseISO(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}

	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05", s)
	}

	return t, err //nolint:wrapcheck // Callers only check whether it is nil.
}

// microsoftDate is compiled on first use: each run starts the provider several
// times, and usually parses no date.
var microsoftDate = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/Date\((-?\d+)([+-]\d{4})?\)/$`) }) //nolint:gochecknoglobals // Effectively a constant.

// parseMicrosoft parses "/Date(ms)/", milliseconds since 1970 in UTC. An offset
// only shows the server's zone. An empty string is not a time.
func parseMicrosoft(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}

	match := microsoftDate().FindStringSubmatch(s)
	if match == nil {
		return time.Time{}, errors.New("not a /Date(…)/")
	}

	ms, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		return time.Time{}, errors.New("a /Date(…)/ out of range")
	}

	return time.UnixMilli(ms), nil
}

// lastSecond is the last Unix time that RFC 3339 can represent.
const lastSecond = 253402300799

// findEnd sets the token's expiration: AccessIssuedOn + ValidFor, or the grant's
// expiration if earlier. The server has just accepted the token, so a past
// expiration contradicts it and is dropped, as is one after the year 9999.
func (a *Answer) findEnd(now time.Time) {
	leaveOut := func(which, why string) {
		a.Warnings = append(a.Warnings, verdict.Warning{
			Summary: "Expiration date ignored",
			Detail: "The Venafi server accepts the token, but according to its response the " + which + " expiration " + why + ". " +
				"That date is ignored. Ask the server's administrator to check the server's clock and the lifetimes of the API integration.",
		})
	}

	switch grant := a.GrantExpiresOn; {
	case !verdict.Writable(grant):
		a.GrantExpiresOn = nil

		leaveOut("grant", "is after the year 9999")
	case grant != nil && !grant.After(now):
		a.GrantExpiresOn = nil

		leaveOut("grant", "is in the past")
	}

	// RFC 3339 cannot represent these either.
	if !verdict.Writable(a.AccessIssuedOn) {
		a.AccessIssuedOn = nil

		leaveOut("token", "is after the year 9999")
	}

	if !verdict.Writable(a.GrantIssuedOn) {
		a.GrantIssuedOn = nil
	}

	if a.AccessIssuedOn == nil || a.ValidFor == 0 {
		a.EndUnknown = true

		return
	}

	if a.ValidFor > lastSecond-a.AccessIssuedOn.Unix() {
		// Later than any grant expiration that RFC 3339 can represent.
		a.ExpiresOn, a.EndUnknown = a.GrantExpiresOn, a.GrantExpiresOn == nil

		leaveOut("token", "is after the year 9999")

		return
	}

	// Added as integers, because a Duration holds at most 292 years.
	end := time.Unix(a.AccessIssuedOn.Unix()+a.ValidFor, int64(a.AccessIssuedOn.Nanosecond())).UTC()

	switch {
	case !end.After(now):
		// The grant's expiration is a bound, but the token's is unknown.
		a.ExpiresOn, a.EndUnknown = a.GrantExpiresOn, true

		leaveOut("token", "is in the past")
	case a.GrantExpiresOn != nil && !a.GrantExpiresOn.After(end):
		a.ExpiresOn = a.GrantExpiresOn
	default:
		a.ExpiresOn = &end
	}
}
