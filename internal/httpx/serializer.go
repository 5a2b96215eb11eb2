package httpx

import (
	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"
)

// serializer is how Echo's c.JSON writes: empty lists and maps are [] and {}, never null, and members of maps are in
// order. What it reads it reads as [ReadJSON] does.
type serializer struct{}

func (serializer) Serialize(c echo.Context, value any, _ string) error {
	return json.MarshalWrite(c.Response(), value, json.Deterministic(true))
}

func (serializer) Deserialize(c echo.Context, into any) error {
	return ReadJSON(c, BodyLimit, into)
}
