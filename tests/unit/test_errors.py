from spinhydro import errors


def test_nearest_prefers_a_different_case():
    assert errors.nearest("Omega_r", ["Omega_0", "Omega_R"]) == "Omega_R"
    assert errors.nearest("torqe", ["torque", "timestep"]) == "torque"
    assert errors.nearest("zzz", ["torque", "timestep"]) is None


def test_caret_stands_under_the_fault():
    text = "dt(s) = crss(s, s)"
    first, second = errors.marked(text, 8, 12)
    assert first[second.index("^") : second.rindex("^") + 1] == "crss"


def test_caret_of_a_long_text_stays_in_view():
    text = "a + " * 200 + "wrong + b"
    first, second = errors.marked(text, text.index("wrong"), text.index("wrong") + 5)
    assert len(first) < 100
    assert first[second.index("^") : second.rindex("^") + 1] == "wrong"


def test_place_is_set_once_by_the_innermost():
    error = errors.InputError("no").at("file.py, line 3").at("file.py")
    assert str(error) == "file.py, line 3: no"
    assert error.exit_code == 2
