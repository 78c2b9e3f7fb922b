package venafi

import (
	"math"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

// lastSecond is the last Unix time that RFC 3339 can represent, in the year 9999.
const lastSecond = 253402300799

// moment returns the first form of a time that can be read, seconds first; depending
// on the server's version, the other two have milliseconds. It returns nil without
// one, for a placeholder for no time (0, or .NET's year 1), and for a time after the
// year 9999.
func moment(unix jsontext.Value, iso, microsoft transport.Text) *time.Time {
	for _, t := range []time.Time{time.Unix(integer(unix), 0), parseISO(string(iso)), parseMicrosoft(string(microsoft))} {
		if t.Unix() > 0 && t.Unix() <= lastSecond {
			return new(t.UTC())
		}
	}
	return nil
}

// after returns a time some seconds after another; nil if either is unknown, or if
// it is after the year 9999. A [time.Duration] would hold at most 292 years.
func after(t *time.Time, seconds int64) *time.Time {
	if t == nil || seconds <= 0 || seconds > lastSecond-t.Unix() {
		return nil
	}
	return new(time.Unix(t.Unix()+seconds, int64(t.Nanosecond())).UTC())
}

// integer returns a JSON number that is whole, such as 7776000 or 7776000.0; 0 for
// any other value.
func integer(value jsontext.Value) int64 {
	var number float64
	if json.Unmarshal(value, &number) != nil || number != math.Trunc(number) || math.Abs(number) > 1<<53 {
		return 0
	}
	return int64(number)
}

// parseISO parses ISO 8601 with or without fractions and zone, which defaults to
// UTC. It returns the zero time for any other text.
func parseISO(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, _ = time.Parse("2006-01-02T15:04:05", s)
	}
	return t
}

// microsoftDate is compiled on first use: each run starts the provider several
// times, and usually parses no date.
var microsoftDate = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/Date\((-?\d+)([+-]\d{4})?\)/$`) })

// parseMicrosoft parses "/Date(ms)/", milliseconds since 1970 in UTC. An offset only
// shows the server's zone. It returns the zero time for any other text.
func parseMicrosoft(s string) time.Time {
	match := microsoftDate().FindStringSubmatch(s)
	if match == nil {
		return time.Time{}
	}

	ms, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
