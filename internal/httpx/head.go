package httpx

import (
	"net/http"
	"strings"
)

// headAsGet answers HEAD wherever GET is answered, as RFC 9110 wants it (section 9.1) and as many probes of load
// balancers need it. The handler sees a GET; net/http, which sees the request as it came, sends no body.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.WithContext(r.Context()) // a copy
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// allowHead adds HEAD to an Allow header that has GET: Echo's routes do not know what [headAsGet] does.
func allowHead(header http.Header) {
	if allow := header.Get("Allow"); strings.Contains(allow, http.MethodGet) {
		header.Set("Allow", strings.Replace(allow, http.MethodGet, http.MethodGet+", "+http.MethodHead, 1))
	}
}
