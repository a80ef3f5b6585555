package company

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"ferry/jira/jirasim"
)

// names of invented people. The part behind the bar is how a name is written in an
// address.
const names = `
Amara Okafor|amara.okafor; Li Wei|li.wei; Jonas Lindqvist|jonas.lindqvist; Priya Raghunathan|priya.raghunathan
Tomasz Wiśniewski|tomasz.wisniewski; Fatima El Idrissi|fatima.elidrissi; Kenji Morimoto|kenji.morimoto
Sofía Carranza|sofia.carranza; Niamh Gallagher|niamh.gallagher; Emre Yıldırım|emre.yildirim; Aroha Tamihana|aroha.tamihana
Lukas Brandstätter|lukas.brandstaetter; Chiara Bellandi|chiara.bellandi; Thabo Mokoena|thabo.mokoena
Ingrid Haugland|ingrid.haugland; Rafael Monteiro|rafael.monteiro; Yuki Hasegawa|yuki.hasegawa; Leila Farahani|leila.farahani
Oluwaseun Adeyemi|oluwaseun.adeyemi; Marta Kowalczyk|marta.kowalczyk; Nguyễn Minh Anh|minhanh.nguyen
Élodie Marchetti|elodie.marchetti; Arjun Venkataraman|arjun.venkataraman; Hanna Virtanen|hanna.virtanen
Diego Quispe|diego.quispe; Zeynep Aksoy|zeynep.aksoy; Pieter van Houten|pieter.vanhouten; Mei-Ling Chang|meiling.chang
Kwame Asante|kwame.asante; Ana Petrović|ana.petrovic; Samuel O’Rourke|samuel.orourke; Noor Al-Hamdani|noor.alhamdani
Björn Sigurðsson|bjorn.sigurdsson; Camila Ferreyra|camila.ferreyra; Dmytro Kovalenko|dmytro.kovalenko
Aisha Bello|aisha.bello; Mikkel Thorsen|mikkel.thorsen; Ji-woo Park|jiwoo.park; Beatriz Antunes|beatriz.antunes
Tariq Siddiqui|tariq.siddiqui; Eszter Halmos|eszter.halmos; Wanjiru Kamau|wanjiru.kamau; Matteo Grimaldi|matteo.grimaldi
Saoirse Brennan|saoirse.brennan; Rohan Deshmukh|rohan.deshmukh; Klára Novotná|klara.novotna; Mehdi Bouzid|mehdi.bouzid
Siti Rahmawati|siti.rahmawati; Gustaf Ekdahl|gustaf.ekdahl; Valentina Ortúzar|valentina.ortuzar; Bao Trần|bao.tran
Ruth Abernathy|ruth.abernathy; Ilse Vermeulen|ilse.vermeulen; Theo Papadakis|theo.papadakis; Nadia Haddad|nadia.haddad
Kofi Mensah|kofi.mensah; Lena Obermayr|lena.obermayr; Makoa Kealoha|makoa.kealoha; Elif Demirci|elif.demirci
Joaquín Barrenechea|joaquin.barrenechea; Grace Nakamura|grace.nakamura`

var zones = []string{"Europe/Amsterdam", "Europe/Berlin", "Europe/Lisbon", "Europe/Warsaw", "Europe/Oslo", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Lagos"}

// hire makes the people in the order of the list; only their account ids and time
// zones are drawn.
func hire(r *rand.Rand) []jirasim.User {
	var people []jirasim.User
	for entry := range strings.FieldsFuncSeq(names, func(c rune) bool { return c == ';' || c == '\n' }) {
		name, mailbox, _ := strings.Cut(strings.TrimSpace(entry), "|")
		people = append(people, jirasim.User{
			AccountID:   accountID(r),
			DisplayName: name,
			Email:       mailbox + "@example.com",
			TimeZone:    pick(r, zones),
		})
	}
	return people
}

// accountID has the shape of Atlassian's: a number and a random UUID.
func accountID(r *rand.Rand) string {
	high, low := r.Uint64(), r.Uint64()
	return fmt.Sprintf("712020:%08x-%04x-4%03x-%04x-%012x",
		high>>32, high>>16&0xffff, high&0xfff, 0x8000|low>>48&0x3fff, low&0xffffffffffff)
}
