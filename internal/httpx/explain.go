package httpx

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// explanation is an entry with the path that problems carry as their type.
type explanation struct {
	Entry

	Type string `json:"type"`
}

func explained(e Entry) explanation {
	return explanation{Type: "/problems/" + string(e.Code), Entry: e}
}

func listProblems(c echo.Context) error {
	list := make([]explanation, len(table))
	for i, e := range table {
		list[i] = explained(e)
	}
	if !wantsHTML(c) {
		return c.JSON(http.StatusOK, map[string]any{"data": list})
	}
	return writeHTML(c, "Problems", list)
}

func explainProblem(c echo.Context) error {
	e, ok := byCode[Code(c.Param("code"))]
	if !ok {
		return NewProblem(CodeNotFound, "There is no problem of this code; /problems lists all.")
	}
	if !wantsHTML(c) {
		return c.JSON(http.StatusOK, explained(e))
	}
	return writeHTML(c, e.Title, []explanation{explained(e)})
}

func wantsHTML(c echo.Context) bool {
	return strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "text/html")
}

func writeHTML(c echo.Context, title string, list []explanation) error {
	var page strings.Builder
	if err := problemsPage.Execute(&page, map[string]any{"Title": title, "List": list}); err != nil {
		return err
	}
	return c.HTML(http.StatusOK, page.String())
}

var problemsPage = template.Must(template.New("problems").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}} · Daybook</title>
<meta name="viewport" content="width=device-width">
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}
h2{margin:2rem 0 0}code{background:#8882;padding:.1em .3em}</style></head>
<body><p><a href="/problems">All problems</a></p>
{{range .List}}<h2>{{.Title}}</h2><p>{{.Status}} <a href="{{.Type}}"><code>{{.Code}}</code></a></p><p>{{.Explanation}}</p>
{{end}}</body></html>
`)) //nolint:gochecknoglobals // parsed once
