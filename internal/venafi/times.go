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

// moments are the times of an answer, each in three forms. They differ in what
// they keep: the last two have milliseconds, or not, by the server's version.
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

// moment takes the first form that holds a time, seconds first. All forms must
// be readable, since a document with an unreadable one is not the documented one.
func moment(unix *int64, iso, microsoft *string) (*time.Time, error) {
	fromISO, err1 := parseISO(deref(iso))
	fromMicrosoft, err2 := parseMicrosoft(deref(microsoft))

	return cmp.Or(set(time.Unix(deref(unix), 0)), set(fromISO), set(fromMicrosoft)), errors.Join(err1, err2)
}

// set gives nil for what servers write where there is no time: 1970, or .NET's
// year 1.
func set(t time.Time) *time.Time {
	if t.Unix() <= 0 {
		return nil
	}

	return new(t.UTC())
}

// parseISO reads ISO 8601 with or without fractions and zone; without one it is
// UTC. An empty text is no time.
func parseISO(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}

	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05", s)
	}

	return t, err //nolint:wrapcheck // That there is one is enough.
}

// microsoftDate is made when it is needed: each run starts the provider several
// times, and most of them read no date.
var microsoftDate = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/Date\((-?\d+)([+-]\d{4})?\)/$`) }) //nolint:gochecknoglobals // A constant in all but form.

// parseMicrosoft reads "/Date(ms)/", milliseconds since 1970 in UTC. An offset
// that may follow is only where the server stands. An empty text is no time.
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

// lastSecond is the last one that RFC 3339 can write, in Unix time.
const lastSecond = 253402300799

// findEnd finds when the token stops working: AccessIssuedOn + ValidFor, or the
// grant's end where that comes first. The server has just said that the token
// works, so an end that has passed contradicts it and is left out, as is one past
// the year 9999.
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

	// RFC 3339 cannot write these either.
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
		// Later than any grant's end that can be told.
		a.ExpiresOn, a.EndUnknown = a.GrantExpiresOn, a.GrantExpiresOn == nil

		leaveOut("token", "is after the year 9999")

		return
	}

	// Seconds are added as integers: a Duration holds no more than 292 years.
	end := time.Unix(a.AccessIssuedOn.Unix()+a.ValidFor, int64(a.AccessIssuedOn.Nanosecond())).UTC()

	switch {
	case !end.After(now):
		// The grant's end is a bound, but when the token ends is not known.
		a.ExpiresOn, a.EndUnknown = a.GrantExpiresOn, true

		leaveOut("token", "is in the past")
	case a.GrantExpiresOn != nil && a.GrantExpiresOn.Before(end):
		a.ExpiresOn = a.GrantExpiresOn
	default:
		a.ExpiresOn = &end
	}
}
