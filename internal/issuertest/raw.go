package issuertest

import (
	"encoding/binary"
	"io"
	"net"
)

// Types of HTTP/2 frames (RFC 9113, section 6).
const (
	frameHeaders  = 1
	frameSettings = 4
	framePing     = 6

	flagAck = 1
)

// HTTP2 returns a handler for [StartRaw] that starts as an HTTP/2 server does, and
// calls answer for each request, with its stream ID and a function that sends a
// frame. It replies to pings as long as answer reports that the connection is
// alive. The server's option must offer "h2".
func HTTP2(answer func(stream uint32, send func(kind, flags byte, stream uint32, payload string)) (alive bool)) func(net.Conn) {
	return func(conn net.Conn) {
		send := func(kind, flags byte, stream uint32, payload string) {
			header := []byte{0, 0, 0, kind, flags, 0, 0, 0, 0}
			binary.BigEndian.PutUint16(header[1:], uint16(len(payload)))
			binary.BigEndian.PutUint32(header[5:], stream)
			_, _ = conn.Write(append(header, payload...))
		}

		send(frameSettings, 0, 0, "")

		if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}

		for alive := true; ; {
			header := make([]byte, 9)
			if _, err := io.ReadFull(conn, header); err != nil {
				return
			}

			payload := make([]byte, int(header[0])<<16|int(binary.BigEndian.Uint16(header[1:])))
			if _, err := io.ReadFull(conn, payload); err != nil {
				return
			}

			switch kind, stream := header[3], binary.BigEndian.Uint32(header[5:]); {
			case kind == frameHeaders:
				alive = answer(stream, send)
			case kind == frameSettings && header[4]&flagAck == 0:
				send(frameSettings, flagAck, 0, "")
			case kind == framePing && alive:
				send(framePing, flagAck, 0, string(payload))
			}
		}
	}
}
