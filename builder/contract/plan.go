package contract

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/cloudsania/cloudsania/paas"
)

const maxPlanBytes = 4 << 20

// WritePlan writes the plan to the file that Mounts.Plan then names.
func WritePlan(name string, plan paas.Plan) error {
	text, err := json.Marshal(plan)
	if err == nil {
		err = os.WriteFile(name, text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// ReadPlan reads the plan in the build container.
func ReadPlan() (paas.Plan, error) { return readPlan(planFile) }

func readPlan(name string) (plan paas.Plan, err error) {
	f, err := os.Open(name)
	if err != nil {
		return plan, fmt.Errorf("open the plan: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := json.NewDecoder(io.LimitReader(f, maxPlanBytes)).Decode(&plan); err != nil {
		return plan, fmt.Errorf("read the plan: %w", err)
	}
	return plan, nil
}
