// Package crowded breaks the rule on methods: neither of two types has too many, the one that embeds both has.
package crowded

// Left has half of them.
type Left struct{}

func (Left) M1()  {}
func (Left) M2()  {}
func (Left) M3()  {}
func (Left) M4()  {}
func (Left) M5()  {}
func (Left) M6()  {}
func (Left) M7()  {}
func (Left) M8()  {}
func (Left) M9()  {}
func (Left) M10() {}
func (Left) M11() {}
func (Left) M12() {}
func (Left) M13() {}
func (Left) M14() {}
func (Left) M15() {}
func (Left) M16() {}
func (Left) M17() {}
func (Left) M18() {}
func (Left) M19() {}
func (Left) M20() {}

// Right has the other half.
type Right struct{}

func (*Right) M21() {}
func (*Right) M22() {}
func (*Right) M23() {}
func (*Right) M24() {}
func (*Right) M25() {}
func (*Right) M26() {}
func (*Right) M27() {}
func (*Right) M28() {}
func (*Right) M29() {}
func (*Right) M30() {}
func (*Right) M31() {}
func (*Right) M32() {}
func (*Right) M33() {}
func (*Right) M34() {}
func (*Right) M35() {}
func (*Right) M36() {}
func (*Right) M37() {}
func (*Right) M38() {}
func (*Right) M39() {}
func (*Right) M40() {}

// Both has one more of its own.
type Both struct {
	Left
	*Right
}

func (*Both) M41() {}
