package commands_test

import (
	"fmt"
	"testing"
)

func TestReplaysShowTheLimitsOfTheirTimeInAnyOrder(t *testing.T) {
	h := opened(t)
	var first []*reply
	account := func(h *house, i int) *reply {
		return h.post(toAccounts, fmt.Sprintf(`{"address":"users:%d"}`, i), fmt.Sprintf("Idempotency-Key: %d", i))
	}
	for i := range 4 {
		first = append(first, account(h, i).want(201, fmt.Sprintf("account.limits.max_balance=%s", []string{"-", "5000", "6000", "7000"}[i])))
		h.do("PUT", toChart, fmt.Sprintf(`{"undeclared":"allow","rules":[{"pattern":"users:*","type":"liability","max_balance":"%d000"}]}`, i+5)).want(200)
	}
	for _, order := range [][]int{{3, 0, 2, 1}, {0, 1, 2, 3}, {2, 3, 3, 0}} {
		again := houseOver(t, h.store.Reopen(), nil)
		for _, i := range order {
			account(again, i).replayed(first[i])
		}
	}
}
