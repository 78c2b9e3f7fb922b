package venafi

import (
	"math"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// FuzzEnd takes any dates and lifetimes: an expiration can always be written, is
// after now, and no later than either bound.
func FuzzEnd(f *testing.F) {
	f.Add(int64(1604956045), "2020-11-09T21:07:25Z", "/Date(1604956045163)/", int64(7776000), int64(1636492045), int64(1607000000))
	f.Add(int64(0), "2020-11-09T21:07:25.1234567", "/Date(-62135596800000)/", int64(-1), int64(0), int64(0))
	f.Add(int64(lastSecond), "", "/Date(1604956045163+0100)/", int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MinInt64))
	f.Add(int64(1), "0001-01-01T00:00:00Z", "", int64(1), int64(2), int64(253402300798))

	f.Fuzz(func(t *testing.T, unix int64, iso, microsoft string, validFor, grant, at int64) {
		now := time.Unix(at, 0)

		issued, err := moment(&unix, &iso, &microsoft)
		if err != nil {
			return
		}

		end, err := moment(&grant, nil, nil)
		if err != nil {
			t.Fatal(err)
		}

		a := &Answer{AccessIssuedOn: issued, GrantExpiresOn: end, ValidFor: max(validFor, 0)}
		a.findEnd(now)

		for _, at := range []*time.Time{a.ExpiresOn, a.GrantExpiresOn, a.AccessIssuedOn} {
			if at == nil {
				continue
			}

			if back, err := time.Parse(time.RFC3339Nano, verdict.Format(*at)); err != nil || !back.Equal(*at) || at.Unix() <= 0 {
				t.Errorf("%v cannot be written: %v", at, err)
			}
		}

		if a.ExpiresOn != nil && (!a.ExpiresOn.After(now) || a.GrantExpiresOn != nil && a.ExpiresOn.After(*a.GrantExpiresOn)) {
			t.Errorf("expires on %v, the grant on %v, now %v", a.ExpiresOn, a.GrantExpiresOn, now)
		}

		if a.ExpiresOn == nil && !a.EndUnknown {
			t.Error("a token without an expiration")
		}
	})
}
